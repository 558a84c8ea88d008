"""How much the time that cells take tells: bits sent by a kernel as pauses, read by a browser's clock."""

from __future__ import annotations

import secrets
import statistics

from hub.leaktest.place import Place
from hub.leaktest.values import Found, Verdict

_BITS = 48
_PAUSE_S = 0.04
_DAY_SECONDS, _BITS_A_BYTE = 86_400, 8


def timing(place: Place) -> Found:
    """A cell waits or does not, according to a secret bit; nothing is shown.

    The rate is that of this plain code on this machine, not the channel's capacity.
    """
    secret = secrets.randbits(_BITS)
    place.kernel.run(f"import time as _w; _s = {secret}")
    took = [place.kernel.run(f"_w.sleep({_PAUSE_S} * (_s >> {at} & 1))").seconds for at in range(_BITS)]
    middle = statistics.mean((min(took), max(took)))
    right = sum((seconds > middle) == bool(secret >> at & 1) for at, seconds in enumerate(took))
    seconds = sum(took)
    said = f"{right} of {_BITS} bits right in {seconds:.1f} s"
    if right < _BITS * 3 // 4:
        return Found("timing.cells", Verdict.CLOSED, said)
    return Found(
        "timing.cells", Verdict.OPEN, said, bytes_a_day=round(right / seconds * _DAY_SECONDS / _BITS_A_BYTE)
    )
