"""Reads the SQL of a model's claim: rows, each with the person it is about, and no aggregate over persons.

Guarantees: as `select`; and no column that names a person or a record is among what the model may read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.relations import Relations
from egress_review.checks.reading.scope import Catalogue, Shape, fold
from egress_review.checks.reading.tree import read_tree
from egress_review.checks.refusal import CheckStopped, finding
from egress_review.checks.report import Finding
from onggi.claim import Claim
from onggi.table_form import quote_name

PERSON = "_onggi_person"


@dataclass(frozen=True, slots=True)
class RowQuery:
    """Rows for a model.

    Attributes:
        sql: a SELECT of the columns asked for, and of the person as `PERSON`; written by the gate.
        notes: what a reviewer has to look at.
    """

    sql: str
    notes: tuple[Finding, ...] = ()


def read_rows(claim: Claim, numeric: Mapping[str, bool], catalogue: Catalogue, most: int) -> RowQuery:
    """The provable rows behind a claim.

    Args:
        numeric: the columns that the model reads, as the SQL names them, and whether as numbers: such a
            column may not choose by the data between values, or it could carry one person's.
        most: rows of the answer; one more is asked for, to see that there are too many.

    Raises:
        CheckStopped: with the finding that says what cannot be proven.
    """
    select = read_tree(claim.sql, claim.parameters)
    if not isinstance(select, exp.Select | exp.Union):
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=select.key.upper())
    relations = Relations(catalogue)
    relation = relations.read(select)
    if len(relation.units) != 1:
        raise CheckStopped(FindingCode.MODEL_NOT_FITTED, cause="persons")
    named = {fold(name): column for name, column in relation.columns.items()}
    shown, notes = [], []
    for name, as_number in numeric.items():
        column = named.get(fold(name))
        if column is None:
            raise CheckStopped(FindingCode.COLUMN_UNKNOWN, column=name)
        if column.identifier or column.unit:
            raise CheckStopped(FindingCode.IDENTIFIER_IN_OUTPUT, column=name)
        if as_number and column.shape is Shape.PIECEWISE:
            raise CheckStopped(FindingCode.COLUMN_CHOOSES, column=name)
        if column.speaks:
            notes.append(finding(FindingCode.TEXT_FROM_QUERY, column=name))
        elif as_number and column.shape is Shape.SMOOTH:
            notes.append(finding(FindingCode.EXPRESSION_IN_MEASURE, column=name))
        shown.append(f"{quote_name(column.name)} AS {quote_name(name)}")
    (person,) = relation.units
    shown.append(f"{quote_name(person)} AS {quote_name(PERSON)}")
    # Every part was written here and by `relations`; no text of the claim is in it.
    return RowQuery(
        f"WITH {relations.with_sql} SELECT {', '.join(shown)} FROM {relation.sql} LIMIT {most + 1}",
        tuple(notes),
    )
