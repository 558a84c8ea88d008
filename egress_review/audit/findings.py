"""What a verifier can find wrong. Codes here, sentences in the catalogues under `audit`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from onggi.words import say

__all__ = ["Found", "Proof"]


class Proof(StrEnum):
    """One code for one thing that does not hold."""

    # an export of the audit log
    CHECKPOINT_CHANGED = "checkpoint_changed"
    CHECKPOINT_CONTRADICTED = "checkpoint_contradicted"
    CHECKPOINT_MISSING = "checkpoint_missing"
    CHECKPOINT_NOT_SIGNED = "checkpoint_not_signed"
    CUT_OFF = "cut_off"
    EVENT_ADDED = "event_added"
    EVENT_CHANGED = "event_changed"
    EVENT_REMOVED = "event_removed"
    EVENT_REPEATED = "event_repeated"
    EVENTS_REMOVED_WITHIN = "events_removed_within"
    EVENTS_REORDERED = "events_reordered"
    INTERVAL_CHANGED = "interval_changed"
    LEAF_HASH_CHANGED = "leaf_hash_changed"
    LINE_UNREADABLE = "line_unreadable"
    LOG_UNKNOWN = "log_unknown"
    NO_EXPORT = "no_export"
    NOT_COVERED = "not_covered"
    NUMBERS_CHANGED = "numbers_changed"

    # a certificate
    CERTIFICATE_FORM_UNKNOWN = "certificate_form_unknown"
    CERTIFICATE_UNREADABLE = "certificate_unreadable"
    EVENT_CONTRADICTS = "event_contradicts"
    FILE_CHANGED = "file_changed"
    FILE_HASH_CONTRADICTS = "file_hash_contradicts"
    FILE_NOT_NAMED = "file_not_named"
    PROOF_INVALID = "proof_invalid"
    SIGNATURE_WRONG = "signature_wrong"
    STATEMENT_CONTRADICTS = "statement_contradicts"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that does not hold, with what its sentence needs."""

    code: Proof
    params: Mapping[str, str] = field(default_factory=dict)

    def say(self, language: str) -> str:
        """The sentence in a language."""
        return say(language, f"audit.{self.code.value}", **self.params)
