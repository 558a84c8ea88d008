"""What is printed: a line for each channel as it is tried, the table, and a count."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping

from hub.leaktest.residual import passes
from hub.leaktest.values import Found, Residual, Verdict
from onggi import words


class Report:
    """Collects and prints.

    Args:
        language: of the sentences; channels and evidence are codes.
        residual: what is documented as open.
        as_json: print one JSON document at the end instead.
    """

    def __init__(self, language: str, residual: Mapping[str, Residual], *, as_json: bool = False) -> None:
        self._language = language
        self._residual = residual
        self._as_json = as_json
        self.found: list[Found] = []
        self._say(words.say(language, "leaktest.head"))

    @property
    def passed(self) -> bool:
        """Whether something was tried and nothing stands open that is not documented."""
        return bool(self.found) and all(passes(one, self._residual) for one in self.found)

    def add(self, found: Found) -> None:
        """Take a finding and print its line; with JSON, to stderr."""
        self.found.append(found)
        self._say(self._line(found))

    def close(self) -> None:
        """Print why what stands open may, or that it must not; then the count."""
        if self._as_json:
            print(json.dumps(self._document(), ensure_ascii=False, indent=1))
            return
        print()
        for found in self.found:
            if found.verdict in {Verdict.OPEN, Verdict.NOT_PROVEN}:
                print(self._why(found))
        print(self._count(), flush=True)

    def _say(self, line: str) -> None:
        print(line, file=sys.stderr if self._as_json else sys.stdout, flush=True)

    def _line(self, found: Found) -> str:
        verdict = words.say(self._language, f"leaktest.verdict_{found.verdict.value}")
        rate = "" if found.bytes_a_day is None else f"{found.bytes_a_day:,}"
        tried = words.say(self._language, f"leaktest.tried_{found.group}", what=found.tried)
        return f"{verdict:<11}{found.channel:<30}{rate:>12}  {tried} — {found.evidence}"

    def _why(self, found: Found) -> str:
        if found.verdict is Verdict.NOT_PROVEN:
            return words.say(self._language, "leaktest.not_tried", channel=found.channel, why=found.evidence)
        known = self._residual.get(found.channel)
        if known is None:
            return words.say(self._language, "leaktest.not_documented", channel=found.channel)
        if not passes(found, self._residual):
            most = f"{known.bytes_a_day:,}"
            return words.say(
                self._language, "leaktest.more_than_documented", channel=found.channel, bytes=most
            )
        reason = known.reason[words.spoken(self._language)]
        return words.say(self._language, "leaktest.documented", channel=found.channel, reason=reason)

    def _count(self) -> str:
        counts = Counter(one.verdict for one in self.found)
        wrong = sum(not passes(one, self._residual) for one in self.found)
        numbers = {verdict.value: counts[verdict] for verdict in Verdict}
        return words.say(
            self._language, "leaktest.count", channels=len(self.found), undocumented=wrong, **numbers
        )

    def _document(self) -> dict[str, object]:
        rows = [
            one.to_json()
            | {"documented": one.channel in self._residual, "passes": passes(one, self._residual)}
            for one in self.found
        ]
        return {"passed": self.passed, "channels": rows}
