import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.data.bucketing import bucket_array, modulo, splitmix64, splitmix64_array

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "manifest.md"
KNOWN = {0: 0xE220A8397B1DCDAF, 0x9E3779B97F4A7C15: 0x6E789E6AA1B965F4}
"""The first two outputs of SplitMix64 seeded with 0, as published with it."""
units = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=50)


@pytest.mark.parametrize("value", KNOWN)
def test_the_hash_is_splitmix64(value: int) -> None:
    assert splitmix64(value) == KNOWN[value]


@given(units, st.integers(1, 4096))
def test_arrow_and_python_agree(values: list[int], buckets: int) -> None:
    assert splitmix64_array(pa.array(values)).to_pylist() == [splitmix64(one) for one in values]
    assert bucket_array(pa.array(values), buckets).to_pylist() == [
        splitmix64(one) % buckets for one in values
    ]


@given(st.lists(st.integers(0, 2**64 - 1), max_size=50), st.integers(1, 2**40))
def test_modulo_is_the_remainder(values: list[int], divisor: int) -> None:
    assert modulo(pa.array(values, pa.uint64()), divisor).to_pylist() == [one % divisor for one in values]


def _reference(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", REFERENCE.read_text("utf-8"), re.DOTALL)
    if found is None:
        raise AssertionError(language)
    return found[1]


def test_the_sql_of_the_reference_gives_the_same_buckets() -> None:
    values = [0, 1, 17_566, 2**40 + 7, 2**63 - 1]
    with duckdb.connect() as database:
        database.execute(_reference("sql"))
        query = "SELECT bucket_of(x, 16) FROM (SELECT unnest(?) AS x)"
        assert [row[0] for row in database.execute(query, [values]).fetchall()] == [
            splitmix64(one) % 16 for one in values
        ]


def test_the_numpy_of_the_reference_gives_the_same_buckets() -> None:
    numpy = pytest.importorskip("numpy")
    names: dict[str, object] = {}
    exec(_reference("python"), names)  # noqa: S102 - our own page
    values = numpy.array([0, 1, 17_566, 2**40 + 7, 2**63 - 1], dtype=numpy.uint64)
    bucket_of = names["bucket_of"]
    assert callable(bucket_of)
    with numpy.errstate(over="ignore"):
        assert bucket_of(values, 16).tolist() == [splitmix64(int(one)) % 16 for one in values]
