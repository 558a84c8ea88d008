"""The session under test: a real one, of a real member, in a running installation."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2 as httpx

from hub.composition import Installation
from hub.leaktest.outside import Outside, standing
from hub.tour.kernel import Kernel
from hub.tour.steps import open_session_of
from hub.tour.visitor import Visitor

_TOPS_INSIDE = (
    "/bin",
    "/data",
    "/dev",
    "/etc",
    "/home",
    "/opt",
    "/project",
    "/root",
    "/run",
    "/sys",
    "/tmp",  # noqa: S108 - the box's own
    "/var",
)
_MUST_NOT_WRITE_INSIDE = (
    "/",
    "/data",
    "/dev",
    "/etc",
    "/opt/compute",
    "/opt/onggi",
    "/proc",
    "/run/onggi/api",
    "/usr",
)

_WHERE = 'import glob, os; print(os.getcwd(), next(iter(sorted(glob.glob("/data/*/*"))), "none"))'


@dataclass(frozen=True, slots=True)
class Member:
    """Whose session in which project is tested."""

    name: str
    project: str
    password: str


@dataclass(slots=True)
class Place:
    """What the probes share.

    Attributes:
        kernel: the kernel in which the attempts of `inside` run, and by which the meter is read.
        project: the project folder, as the compute sees it.
        data: folder of a data-set version that the session is granted, as the compute sees it.
        outside: what stands outside the wall.
        others: passwords of persons who are not members of the project, by name; may be empty.
    """

    installation: Installation
    member: Member
    visitor: Visitor
    kernel: Kernel
    project: str
    data: str
    outside: Outside
    others: Mapping[str, str]

    @property
    def base(self) -> str:
        """The address under which the session is served."""
        return f"{self.visitor.hub}/user/{self.member.name}/{self.member.project}/"

    @property
    def folder(self) -> str:
        """The name of a folder in the project folder for what is planted."""
        return f"leaktest-{self.outside.mark[-8:]}"

    def leave_kernel(self) -> None:
        """Close the connection to the kernel; the kernel goes on."""
        self.kernel.close()

    def kernels(self) -> set[str]:
        """The kernels of the session, by id."""
        return {one["id"] for one in self.ask("GET", "api/kernels").json()}

    def end_kernels(self, but: set[str]) -> None:
        """End all kernels but those that were there before."""
        for one in self.kernels() - but:
            self.ask("DELETE", f"api/kernels/{one}")

    def new_kernel(self) -> None:
        """A fresh kernel in place of one that ended with its session."""
        self.leave_kernel()
        self.kernel = Kernel(self.visitor, self.member.project)

    @property
    def project_folder(self) -> Path:
        """The project's folder as it lies on this machine."""
        return self.installation.projects / self.member.project

    @property
    def data_outside(self) -> Path:
        """The folder of `data` as it lies on this machine."""
        return self.installation.data.joinpath(*Path(self.data).parts[-2:])

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask the session as a program of the member does, which needs less than its page.

        Args:
            path: below the session's address.
            options: of httpx.
        """
        url = self.base + path
        token = self.visitor.cookie("_xsrf", httpx.URL(url).path) or ""
        headers = {"X-XSRFToken": token, "Referer": self.base + "lab"}
        return self.visitor.web.request(method, url, headers=headers | options.pop("headers", {}), **options)

    def token(self) -> str:
        """Letters and digits that are nowhere else: what is looked for at the other end."""
        return f"Lk{secrets.token_hex(5)}"

    def given_inside(self) -> dict[str, Any]:
        """What attempts are told that run in the box."""
        return self.outside.given | {
            "project": self.project,
            "tops": _TOPS_INSIDE,
            "must_not_write": (*_MUST_NOT_WRITE_INSIDE, self.data),
            "link_targets": ("/etc/passwd", f"{self.data}/manifest.json"),
            "host_tops": [str(self.installation.state), str(self.outside.folder), "/root", "/var", "/sys"],
            "secret_names": self._secret_names(),
            "broker": str(self.installation.broker_socket),
            "data_file": f"{self.data}/manifest.json",
        }

    def given_outside(self) -> dict[str, Any]:
        """What the same attempts are told when they run outside, as the control."""
        return self.given_inside() | {
            "project": str(self.outside.folder),
            "tops": [str(self.outside.folder), str(self.installation.secrets)],
            "must_not_write": [str(self.outside.folder)],
            "link_targets": self.outside.given["planted"],
            "host_tops": ["/"],
            "data_file": str(self.data_outside / "manifest.json"),
        }

    def _secret_names(self) -> list[str]:
        """What Onggi's own folders hold, by name."""
        own = {path.name for path in self.installation.secrets.iterdir()}
        return sorted(own | {"plan.json", "environ.json", "meter", "spool", "jupyterhub_cookie_secret"})


@contextlib.contextmanager
def opened(installation: Installation, member: Member, others: Mapping[str, str]) -> Iterator[Place]:
    """The member's session opened, with a kernel, and everything outside set up; closed again at the end.

    Args:
        others: see `Place`.

    Raises:
        StepFailed: if the session does not open.
        PermissionError: if the member cannot sign in.
    """
    with contextlib.ExitStack() as stack:
        visitor = Visitor(member.name, member.password, installation.origin("hub_public"))
        stack.callback(visitor.close)
        visitor.sign_in()
        open_session_of(visitor, member.project, installation.origin("desk"))
        kernel = Kernel(visitor, member.project)
        project, data = kernel.run(_WHERE).text.split()
        other = installation.projects / f"leaktest-{secrets.token_hex(4)}"
        other.mkdir(mode=0o700, exist_ok=True)
        stack.callback(other.rmdir)
        outside = stack.enter_context(standing(other))
        place = Place(installation, member, visitor, kernel, project, data, outside, others)
        stack.callback(place.leave_kernel)
        before = place.kernels() - {kernel.id}
        stack.callback(place.end_kernels, before)
        yield place
