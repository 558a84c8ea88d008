"""Boxes: the wall around everything that runs what a researcher wrote, and around our own session server.

`Box` is a value; `launch` starts it; `probe` says whether boxes work on this machine. Standard library only.
"""

from onggi.sandbox.box import Bind, Box, Network, Tmpfs, interpreter_binds
from onggi.sandbox.bwrap import Launched, launch
from onggi.sandbox.cgroup import CgroupHome, find_home
from onggi.sandbox.findings import Finding
from onggi.sandbox.limits import Held, HeldBy, Limits
from onggi.sandbox.probing import Probe, probe

__all__ = [
    "Bind", "Box", "CgroupHome", "Finding", "Held", "HeldBy", "Launched", "Limits", "Network", "Probe",
    "Tmpfs", "find_home", "interpreter_binds", "launch", "probe",
]  # fmt: skip
