from __future__ import annotations

from hub.desk.limits import LimitReport
from onggi.errors import Unavailable
from onggi.reasons import Reason


def test_findings_are_asked_until_the_broker_answers_and_then_kept() -> None:
    answers: list[dict[str, object] | Unavailable] = [
        Unavailable(Reason.SERVICE_UNREACHABLE, service="broker"),
        {"working": True, "findings": ["memory_watched"]},
        {"working": True, "findings": []},
    ]

    def ask() -> dict[str, object]:
        answer = answers.pop(0)
        if isinstance(answer, Unavailable):
            raise answer
        return answer

    report = LimitReport(ask)
    assert report.findings() == ()
    assert report.findings() == ("memory_watched",)
    assert report.findings() == ("memory_watched",)


def test_an_answer_of_another_shape_says_nothing() -> None:
    assert LimitReport(lambda: {"findings": "memory_watched"}).findings() == ()
