"""`onggi.protect`: have the gate hide, round or merge what a table may not show, and see what that costs.

The gate does it, with the code that checks the table when it is submitted; what it says here it says there
too, except for earlier releases, which only the check at submission knows.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onggi.claim import (
    MAX_CLAIM_BYTES,
    MIDPOINT_BASE,
    Claim,
    Format,
    Rounding,
    RoundingMethod,
    claim_file,
    claim_from_bytes,
)
from onggi.clock import SystemClock, to_text
from onggi.errors import NotFound, Unavailable
from onggi.notebook.client import call
from onggi.notebook.release import Finding
from onggi.notebook.speech import say, speaking
from onggi.reasons import Reason
from onggi.table_form import csv_bytes

if TYPE_CHECKING:
    import pandas as pd

MARK = "*"
"""Stands in the place of a hidden number."""


@dataclass(frozen=True, slots=True, repr=False)
class Protected:
    """A protected table.

    Attributes:
        safe: whether the gate finds that nothing hidden can be found out.
        file: where it was written, with its claim; None if it is not safe, or bands are to be merged first.
        columns, rows: as written; a hidden number is `MARK`, a missing value None.
        hidden: how many numbers are hidden.
        loss: by column: `cells`, `primary`, `secondary`, `hidden_share`, `changed`, `absolute_change`,
            `merged_levels`, `merged_cells`.
        bands: of the column `key`: level → band to merge it into, where that is the way.
        findings: why it is not safe.
    """

    safe: bool
    file: Path | None
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    hidden: int
    loss: Mapping[str, Mapping[str, float]]
    key: str
    bands: Mapping[str, str]
    findings: tuple[Finding, ...]

    def frame(self) -> pd.DataFrame:
        """The table as written, texts only."""
        import pandas as pd

        return pd.DataFrame.from_records(list(self.rows), columns=list(self.columns))

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        return "".join(f"<p>{html.escape(line)}</p>" for line in self._lines())

    def _lines(self) -> list[str]:
        lines = [say("notebook.protected" if self.safe else "notebook.not_protected")]
        for column, lost in self.loss.items():
            numbers = {name: f"{value:,.6g}" for name, value in lost.items() if name != "hidden_share"}
            share = f"{100 * lost.get('hidden_share', 0):.1f}"
            lines.append(say("notebook.protected_loss", column=column, share=share, **numbers))
        if self.bands:
            merged = "; ".join(f"{level} → {band}" for level, band in self.bands.items())
            lines.append(say("notebook.protected_bands", column=self.key, bands=merged))
        lines += list(dict.fromkeys(one.sentence for one in self.findings))
        if self.file is not None:
            lines.append(say("notebook.protected_file", file=self.file.name))
        return lines


@speaking
def protect(
    table: str | Path,
    *,
    way: str = "suppress",
    base: int = 5,
    profile: str | None = None,
    to: str | Path | None = None,
) -> Protected:
    """Protect a table that `onggi.table` wrote, and write the result with its claim if it is safe.

    Args:
        table: the file; its claim lies beside it.
        way: `suppress` hides further numbers, `round` hides and rounds counts to `base`, `midpoint6` rounds
            counts to midpoints of six and hides none of them, `merge` proposes bands to merge.
        base: of rounding.
        profile: the rules to protect by; those of the gate if None.
        to: the file to write; `<name>-protected.csv` if None.

    Raises:
        NotFound: the table or its claim is not there.
        OnggiError: what the gate says against it.
    """
    path = Path(table)
    claim = _claim(path)
    body: dict[str, Any] = {"claim": claim.to_json(), "way": str(way), "base": base}
    if profile is not None:
        body["profile"] = str(profile)
    answer = call("POST", "/v1/protect", body)
    try:
        return _protected(answer, claim, Path(to) if to else path.with_name(f"{path.stem}-protected.csv"))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise Unavailable(Reason.SERVICE_ANSWER_UNREADABLE, status=200) from None


def _claim(path: Path) -> Claim:
    try:
        with Path(claim_file(str(path))).open("rb") as file:
            return claim_from_bytes(file.read(MAX_CLAIM_BYTES + 1))
    except FileNotFoundError:
        raise NotFound(Reason.FILE_NOT_FOUND, name=claim_file(path.name)) from None


def _protected(answer: Mapping[str, Any], claim: Claim, to: Path) -> Protected:
    if "stopped" in answer:
        return Protected(False, None, (), (), 0, {}, "", {}, (_finding(answer["stopped"]),))
    rows = [list(row) for row in answer["rows"]]
    for row, column in answer["hidden"]:
        rows[row][column] = MARK
    safe = answer["safe"] is True
    merged = answer["bands"] or {"key": "", "levels": {}}
    made = Protected(
        safe=safe,
        file=to if safe and rows else None,
        columns=tuple(answer["columns"]),
        rows=tuple(map(tuple, rows)),
        hidden=len(answer["hidden"]),
        loss=answer["losses"],
        key=merged["key"],
        bands=merged["levels"],
        findings=tuple(map(_finding, answer["findings"])),
    )
    if made.file is not None:
        _write(made, made.file, claim, answer)
    return made


def _finding(body: Mapping[str, Any]) -> Finding:
    return Finding(body["code"], body["params"], body["cell"])


def _write(made: Protected, to: Path, claim: Claim, answer: Mapping[str, Any]) -> None:
    content = csv_bytes(made.columns, made.rows)
    new = replace(
        claim,
        columns=made.columns,
        rounding=_rounding(answer["way"], answer["base"]),
        created=to_text(SystemClock().now()),
        output_sha256=hashlib.sha256(content).hexdigest(),
        format=Format.CSV,
        wide="",
        suppressed=(MARK,) if made.hidden else (),
        margin="",
        protection=str(answer["profile"]).partition("/")[0],
    )
    Path(claim_file(str(to))).write_bytes(new.to_bytes())
    to.write_bytes(content)


def _rounding(way: str, base: int) -> Rounding | None:
    if way == "round":
        return Rounding(RoundingMethod.BASE, base)
    return Rounding(RoundingMethod.MIDPOINT6, MIDPOINT_BASE) if way == "midpoint6" else None
