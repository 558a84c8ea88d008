"""Reason codes: why something was refused, withheld or is not proven.

A code never changes its meaning. Each has a sentence in `words/en/reasons.toml` and
`words/ko/reasons.toml`; a test proves that none is missing.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """One code for one cause, in the API answer, on the page and in the audit log alike."""

    # access
    GRANT_ENDED = "grant_ended"
    LAST_ADMIN = "last_admin"
    MEMBERSHIP_ENDED = "membership_ended"
    MEMBERSHIP_NOT_STARTED = "membership_not_started"
    NOT_A_MEMBER = "not_a_member"
    NOT_PERMITTED = "not_permitted"
    OWN_PROJECT = "own_project"
    PROJECT_ENDED = "project_ended"
    PROJECT_NOT_STARTED = "project_not_started"
    QUOTA_EXCEEDED = "quota_exceeded"
    SESSION_ENDED = "session_ended"
    SESSION_NEEDS_PROJECT = "session_needs_project"
    SIGN_IN_REQUIRED = "sign_in_required"
    SIGN_IN_THROTTLED = "sign_in_throttled"
    UNKNOWN_PERSON = "unknown_person"

    # input
    ALREADY_EXISTS = "already_exists"
    COLUMN_UNKNOWN = "column_unknown"
    CROSS_SITE_REQUEST = "cross_site_request"
    DATASET_UNKNOWN = "dataset_unknown"
    FIELD_INVALID = "field_invalid"
    FIELD_MISSING = "field_missing"
    NOT_FOUND = "not_found"
    SLUG_INVALID = "slug_invalid"
    SQL_FAILED = "sql_failed"
    SQL_NOT_ONE_SELECT = "sql_not_one_select"
    SQL_READS_NO_DATA = "sql_reads_no_data"
    TABLE_TOO_LONG = "table_too_long"
    TABLE_UNKNOWN = "table_unknown"

    # files of the project folder
    DIRECTORY_NOT_EMPTY = "directory_not_empty"
    FILE_CHANGED_WHILE_COPIED = "file_changed_while_copied"
    FILE_EXISTS = "file_exists"
    FILE_LINK_REFUSED = "file_link_refused"
    FILE_NAME_REFUSED = "file_name_refused"
    FILE_NOT_FOUND = "file_not_found"
    FILE_NOT_READABLE = "file_not_readable"
    FILE_NOT_REGULAR = "file_not_regular"
    FILE_OUTSIDE_PROJECT = "file_outside_project"
    FILE_TOO_LARGE = "file_too_large"
    TOO_MANY_FILES = "too_many_files"

    # egress review
    ALREADY_VOTED = "already_voted"
    EVENT_SOURCE_WRONG = "event_source_wrong"
    NOT_OWN_REQUEST = "not_own_request"
    OUTPUT_BLOCKED = "output_blocked"
    OUTPUT_HASH_MISMATCH = "output_hash_mismatch"
    OUTPUT_NOT_CHECKED = "output_not_checked"
    OUTPUT_NOT_RECEIVED = "output_not_received"
    OUTPUT_SIZE_MISMATCH = "output_size_mismatch"
    RELEASE_EXPIRED = "release_expired"
    REQUEST_TOO_LARGE = "request_too_large"
    TOO_MANY_REQUESTS = "too_many_requests"
    VAULT_HASH_MISMATCH = "vault_hash_mismatch"
    VOTES_COMPLETE = "votes_complete"
    VOTES_INCOMPLETE = "votes_incomplete"
    VOTE_MISSING = "vote_missing"
    VOTE_REASON_MISSING = "vote_reason_missing"

    # session and display gate
    AGENT_ANSWER_REFUSED = "agent_answer_refused"
    AGENT_UNREACHABLE = "agent_unreachable"
    CROSS_SESSION_REQUEST = "cross_session_request"
    DISPLAY_CELL_LIMIT = "display_cell_limit"
    DISPLAY_IMAGE_LIMIT = "display_image_limit"
    DISPLAY_IMAGE_TOO_LARGE = "display_image_too_large"
    DISPLAY_MESSAGE_DROPPED = "display_message_dropped"
    DISPLAY_OUTPUT_LOST = "display_output_lost"
    DISPLAY_SESSION_LIMIT = "display_session_limit"
    DISPLAY_TYPE_HIDDEN = "display_type_hidden"
    FILE_TYPE_NOT_SHOWN = "file_type_not_shown"
    GRANT_UNCONFIRMED = "grant_unconfirmed"
    NOTEBOOK_UNREADABLE = "notebook_unreadable"
    RATE_LIMITED = "rate_limited"
    ROUTE_CLOSED = "route_closed"
    SUBMIT_RUNNING = "submit_running"
    TOO_MANY_KERNELS = "too_many_kernels"

    # operation
    ALREADY_RUNNING = "already_running"
    AUDIT_TAMPERED = "audit_tampered"
    AUDIT_UNREACHABLE = "audit_unreachable"
    CLOCK_WRONG = "clock_wrong"
    DATABASE_LOCKED = "database_locked"
    DATA_HASH_MISMATCH = "data_hash_mismatch"
    DATA_SOURCE_UNREADABLE = "data_source_unreadable"
    DISK_FULL = "disk_full"
    EVENT_ID_REUSED = "event_id_reused"
    KERNEL_TOO_OLD = "kernel_too_old"
    PORT_IN_USE = "port_in_use"
    ROOT_REFUSED = "root_refused"
    SANDBOX_UNAVAILABLE = "sandbox_unavailable"
    SERVICE_ANSWER_UNREADABLE = "service_answer_unreadable"
    SERVICE_UNREACHABLE = "service_unreachable"
    SIGNATURE_INVALID = "signature_invalid"
    SIGNING_KEY_EXPOSED = "signing_key_exposed"
    SIGNING_KEY_UNREADABLE = "signing_key_unreadable"
    STATE_CONFLICT = "state_conflict"
    STATE_OF_OTHER_USER = "state_of_other_user"
