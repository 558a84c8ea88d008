"""The made-up world of the synthetic claims: its columns, its diagnoses, its planted cells."""

from __future__ import annotations

from dataclasses import dataclass

COLUMNS = (
    ("visit_id", "int64"), ("person_id", "int64"), ("region", "int32"), ("age_band", "string"),
    ("sex", "string"), ("icd3", "string"), ("year", "int32"), ("cost", "int64"), ("hospital_id", "int32"),
)  # fmt: skip
AGE_BANDS = (*(f"{low:02d}-{low + 4:02d}" for low in range(0, 85, 5)), "85+")
SEXES = ("F", "M")
FIRST_YEAR, YEARS = 2019, 5
REGIONS = 247
"""Regions of ordinary rows; the three after them hold only planted cells."""
HOSPITALS_PER_REGION = 8
ICD3 = (
    "J06", "I10", "E11", "M54", "J20", "K21", "E78", "K29", "J30", "L20", "M17", "H10", "N39", "R51",
    "F32", "J45", "K52", "M75", "S93", "B34", "G47", "I20", "N40", "H25", "L30", "K59", "F41", "D50",
    "E03", "M81", "I48", "I63", "I50", "C50", "C34", "C18", "C16", "C73", "K80", "N18", "G40", "G20",
    "B18", "K76", "J44", "I21", "F20", "M05", "E10", "O80", "Z34", "A15", "B20", "D66", "E84", "G35",
    "G12", "Q90",
)  # fmt: skip
"""Frequent first: a row takes the n-th with a probability that falls along the list."""


@dataclass(frozen=True, slots=True)
class Plant:
    """One planted cell: a region and diagnosis in which only these persons appear.

    Attributes:
        persons: how many persons the cell has.
        visits: rows of each of them.
        costs: cost of a row of the first person, and of every other person, in won.
        hospitals: how many hospitals report the cell.
    """

    region: int
    icd3: str
    persons: int
    visits: int
    costs: tuple[int, int]
    hospitals: int


PLANTS = (
    Plant(248, "E84", 1, 2, (120_000, 120_000), 1),
    Plant(248, "G12", 2, 2, (120_000, 120_000), 2),
    Plant(248, "D66", 3, 2, (120_000, 120_000), 2),
    Plant(248, "G35", 4, 2, (120_000, 120_000), 2),
    Plant(248, "Q90", 12, 2, (120_000, 120_000), 4),
    Plant(249, "C34", 30, 1, (90_000_000, 50_000), 4),
    Plant(249, "I10", 30, 2, (40_000, 40_000), 1),
    Plant(250, "I63", 1, 40, (300_000, 300_000), 2),
)
"""Cells of 1 to 4 persons and a large one beside them; one dominant payer; one hospital; one person."""


def planted_rows() -> int:
    """Rows of all planted cells together."""
    return sum(plant.persons * plant.visits for plant in PLANTS)
