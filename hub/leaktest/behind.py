"""The wall around the compute: each attempt from a cell, beside the same attempt from outside."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace

from hub.leaktest import twice
from hub.leaktest.outside import busy
from hub.leaktest.place import Place
from hub.leaktest.values import Attempt, Found, Verdict, judge

_NOTHING = Attempt(None, "no answer")
_WORKS = "works"


def network(place: Place) -> Iterator[Found]:
    """Network families, names and sockets."""
    yield from _compared(place, "network")


def surroundings(place: Place) -> Iterator[Found]:
    """Processes, memory, files, devices."""
    yield from _compared(place, "surroundings")


def calls(place: Place) -> Iterator[Found]:
    """System calls that reach out.

    A machine may refuse a call to everybody. Then the control is that another call, made in the same way,
    does what it should.
    """
    inside, outside = _both(place, "calls")
    works = inside.get(_WORKS, _NOTHING).reached is True
    for name in outside:
        found = judge(f"calls.{name}", inside.get(name, _NOTHING), outside[name])
        if name == _WORKS:
            continue
        if found.verdict is Verdict.NOT_PROVEN and inside.get(name, _NOTHING).reached is False and works:
            found = Found(found.channel, Verdict.CLOSED, f"{found.evidence}; control: getpid works")
        yield found


def covert(place: Place) -> Iterator[Found]:
    """What other processes of the machine do, felt from within: it leads to another compute, so to no byte
    outside.
    """
    filler = place.outside.folder
    with contextlib.ExitStack() as stack:
        stack.enter_context(busy(place.data_outside / "manifest.json", filler))
        inside, outside = _both(place, "covert")
    for name in outside:
        felt = replace(inside.get(name, _NOTHING), bytes_a_day=0)
        yield judge(f"covert.{name}", felt, outside[name])


def _compared(place: Place, module: str) -> Iterator[Found]:
    inside, outside = _both(place, module)
    for name in outside:
        yield judge(f"{module}.{name}", inside.get(name, _NOTHING), outside[name])


def _both(place: Place, module: str) -> tuple[Mapping[str, Attempt], Mapping[str, Attempt]]:
    python = place.installation.compute_python
    outside = twice.outside(python, module, place.given_outside())
    return twice.inside(place.kernel, module, place.given_inside()), outside
