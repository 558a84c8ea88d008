"""What was made once is there again, as much of it as fits."""

from __future__ import annotations

from egress_review.display.remembered import Remembered


def test_values_are_there_again_until_they_are_too_many_bytes() -> None:
    kept: Remembered[str] = Remembered(100)
    kept.put("a", "A", 40)
    kept.put("b", "B", 40)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == ("A", "B", None)
    kept.get("a")  # asked for last
    kept.put("c", "C", 40)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == ("A", None, "C")


def test_what_alone_is_too_large_drives_nothing_out() -> None:
    kept: Remembered[str] = Remembered(100)
    kept.put("a", "A", 40)
    kept.put("b", "B", 101)
    assert (kept.get("a"), kept.get("b")) == ("A", None)


def test_a_value_put_twice_is_counted_once() -> None:
    kept: Remembered[str] = Remembered(100)
    for _ in range(9):
        kept.put("a", "A", 60)
    kept.put("b", "B", 40)
    assert (kept.get("a"), kept.get("b")) == ("A", "B")
