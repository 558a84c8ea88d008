"""From a unit to its bucket: `splitmix64`, the same in Python, Arrow, NumPy, SQL and on a GPU.

`bucket(x) = splitmix64(x) mod N` where x is the unit's whole number as unsigned 64 bit. It uses only xor,
shift, addition and multiplication modulo 2^64: any of them reproduces it in five lines
(`docs/reference/manifest.md`).

Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (SplitMix64, with
the increment 0x9E3779B97F4A7C15 added first).
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

HASH_NAME = "splitmix64"
_INCREMENT = 0x9E3779B97F4A7C15
_MULTIPLIERS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_LAST_SHIFT = 31
_MASK = 2**64 - 1


def splitmix64(value: int) -> int:
    """The hash of one whole number, as an unsigned 64-bit number."""
    mixed = (value + _INCREMENT) & _MASK
    for shift, multiplier in _MULTIPLIERS:
        mixed = ((mixed ^ (mixed >> shift)) * multiplier) & _MASK
    return mixed ^ (mixed >> _LAST_SHIFT)


def splitmix64_array(values: Any) -> Any:
    """The hashes of an Arrow array of whole numbers, as `uint64`."""
    mixed = pc.add(_unsigned(values), _constant(_INCREMENT))
    for shift, multiplier in _MULTIPLIERS:
        mixed = pc.multiply(
            pc.bit_wise_xor(mixed, pc.shift_right(mixed, _constant(shift))), _constant(multiplier)
        )
    return pc.bit_wise_xor(mixed, pc.shift_right(mixed, _constant(_LAST_SHIFT)))


def bucket_array(units: Any, buckets: int) -> Any:
    """The bucket of each unit of an Arrow array, as `uint64`."""
    return modulo(splitmix64_array(units), buckets)


def modulo(values: Any, divisor: int) -> Any:
    """The remainder of unsigned numbers; Arrow has no operator of its own for it."""
    whole = pc.divide(values, _constant(divisor))
    return pc.subtract(values, pc.multiply(whole, _constant(divisor)))


def _unsigned(values: Any) -> Any:
    return pc.cast(values, pa.uint64(), safe=False)


def _constant(value: int) -> Any:
    return pa.scalar(value, pa.uint64())
