"""What a cell leaves in the project folder for the session server to stumble over."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
from typing import Any

MARKER = "leaktest-ran-planted-code"
_CODE = "import pathlib\npathlib.Path({folder!r}, {marker!r}).write_text('ran')\n"
_CONFIGURATION = (
    ".ipython/profile_default/startup/00.py",
    ".jupyter/jupyter_server_config.py",
    ".jupyter/jupyter_lab_config.py",
    "jupyter_server_config.py",
    "jupyterhub_config.py",
    "jupyterhub_singleuser_config.py",
    "sitecustomize.py",
    "usercustomize.py",
)

_KERNELS = ("kernels", ".local/share/jupyter/kernels", "share/jupyter/kernels")
_PAGES = ("custom/custom.css", ".jupyter/custom/custom.css", "templates/page.html", "labconfig/page.json")


def plant_files(folder: str, tokens: dict[str, str]) -> None:
    """One file for each name, whose content is its token."""
    for name, token in tokens.items():
        _write(f"{folder}/{name}", token)


def plant_links(folder: str, targets: dict[str, str]) -> None:
    """Links by name, and things that are no files: a pipe, a socket, a folder named as a file."""
    for name, target in targets.items():
        os.symlink(target, f"{folder}/{name}")  # noqa: PTH211 - whatever it leads to
    os.mkfifo(f"{folder}/pipe.txt")
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(folder)
        listener.bind("socket.txt")
    os.mkdir(f"{folder}/folder.txt")  # noqa: PTH102 - no hub here


def plant_configuration(project: str, marker_folder: str) -> None:
    """Configuration, start-up code, kernel specifications and styles where Jupyter looks for them."""
    code = _CODE.format(folder=marker_folder, marker=MARKER)
    for name in _CONFIGURATION:
        _plant(f"{project}/{name}", code)
    spec = json.dumps({"argv": ["/bin/sh"], "display_name": MARKER, "language": "python"})
    for folder in _KERNELS:
        _plant(f"{project}/{folder}/leaktest/kernel.json", spec)
    for name in _PAGES:
        _plant(f"{project}/{name}", f"/* {MARKER} */")


def take_away(project: str, folder: str) -> None:
    """Remove what was planted, and nothing that was there before."""
    names = [*_CONFIGURATION, *_PAGES, *(f"{one}/leaktest/kernel.json" for one in _KERNELS), MARKER]
    for name in names:
        path = f"{project}/{name}"
        if os.path.isfile(path) and MARKER in _text(path, name):  # noqa: PTH113 - no hub here
            os.unlink(path)  # noqa: PTH108 - as above
            with contextlib.suppress(OSError):
                os.removedirs(os.path.dirname(path))  # noqa: PTH120 - as above
    shutil.rmtree(f"{project}/{folder}", ignore_errors=True)


def _plant(path: str, text: str) -> None:
    """Write a file unless there is one."""
    if not os.path.lexists(path):
        _write(path, text)


def _text(path: str, name: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - no hub here
        return file.read(4096) if name != MARKER else MARKER


def plant_notebook(path: str, notebook: dict[str, Any]) -> None:
    """A notebook as hostile as one likes."""
    _write(path, json.dumps({"nbformat": 4, "nbformat_minor": 5} | notebook))


def shape(path: str, size: int, seconds: int) -> None:
    """A file of a size and with a moment of change that say something."""
    with open(path, "wb") as file:  # noqa: PTH123 - no hub here
        file.truncate(size)
    os.utime(path, (seconds, seconds))


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - no hub here
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - no hub here
        file.write(text)
