"""Who may do what: `resource:action`, default deny.

Global roles are given to a person (`admin`, `reviewer`, `custodian`, `auditor`); project roles
(`lead`, `researcher`) belong to a membership. `ROLE_PERMISSIONS` is the whole matrix; the permission
matrix in the tests is written out by hand, because it is what a person signed off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from onggi.decision import Allow, Decision, Deny
from onggi.reasons import Reason


class Role(StrEnum):
    """The roles of design section 3."""

    ADMIN = "admin"
    AUDITOR = "auditor"
    CUSTODIAN = "custodian"
    LEAD = "lead"
    RESEARCHER = "researcher"
    REVIEWER = "reviewer"


GLOBAL_ROLES = frozenset({Role.ADMIN, Role.AUDITOR, Role.CUSTODIAN, Role.REVIEWER})
PROJECT_ROLES = frozenset({Role.LEAD, Role.RESEARCHER})


class Permission(StrEnum):
    """`resource:action`; every route names its own."""

    AUDIT_READ = "audit:read"
    DATASET_MANAGE = "dataset:manage"
    DATASET_READ = "dataset:read"
    DISPLAY_MANAGE = "display:manage"
    DISPLAY_READ = "display:read"
    GRANT_MANAGE = "grant:manage"
    MEMBER_MANAGE = "member:manage"
    PROJECT_MANAGE = "project:manage"
    PROJECT_READ = "project:read"
    PROJECT_READ_OWN = "project:read-own"
    QUOTA_MANAGE = "quota:manage"
    RELEASE_DOWNLOAD = "release:download"
    REQUEST_READ_OWN = "request:read-own"
    REQUEST_REVIEW = "request:review"
    REQUEST_SUBMIT = "request:submit"
    ROLE_MANAGE = "role:manage"
    SESSION_OPEN = "session:open"
    SESSION_STOP = "session:stop"


_MEMBER = frozenset(
    {
        Permission.PROJECT_READ_OWN,
        Permission.RELEASE_DOWNLOAD,
        Permission.REQUEST_READ_OWN,
        Permission.REQUEST_SUBMIT,
        Permission.SESSION_OPEN,
    }
)

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(
        {
            Permission.DATASET_MANAGE,
            Permission.DATASET_READ,
            Permission.DISPLAY_MANAGE,
            Permission.DISPLAY_READ,
            Permission.GRANT_MANAGE,
            Permission.MEMBER_MANAGE,
            Permission.PROJECT_MANAGE,
            Permission.PROJECT_READ,
            Permission.QUOTA_MANAGE,
            Permission.ROLE_MANAGE,
            Permission.SESSION_STOP,
        }
    ),
    Role.AUDITOR: frozenset(
        {Permission.AUDIT_READ, Permission.DATASET_READ, Permission.DISPLAY_READ, Permission.PROJECT_READ}
    ),
    Role.CUSTODIAN: frozenset({Permission.DATASET_READ}),
    Role.LEAD: _MEMBER,
    Role.RESEARCHER: _MEMBER,
    Role.REVIEWER: frozenset({Permission.DATASET_READ, Permission.PROJECT_READ, Permission.REQUEST_REVIEW}),
}


def permitted(roles: Iterable[Role], permission: Permission) -> Decision:
    """Whether any of `roles` carries `permission`."""
    if any(permission in ROLE_PERMISSIONS[role] for role in roles):
        return Allow()
    return Deny(Reason.NOT_PERMITTED, {"permission": permission.value})
