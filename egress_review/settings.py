"""The room's settings; the only place of the room that reads the environment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator

from egress_review.checks.policy import CheckPolicy, Engine
from egress_review.checks.rules.document import DEFAULT, profile_at
from egress_review.policy import MIB, ReviewPolicy
from web.settings import ServiceSettings


class ReviewSettings(ServiceSettings):
    """What egress review is told besides.

    Attributes:
        review_url: SQLAlchemy URL of the review database; a SQLite file in `state` if empty.
        review_policy: version name of the review policy below.
        review_reviewers: independent votes that a request needs.
        review_download_days: days until a release expires.
        review_check_profile: policy profile of the checks: a shipped one's name, or a YAML document's path.
        review_check_workers: processes of Dask over which the recomputation of one table is spread; 0: none.
        review_max_file_mib: MiB of one submitted file.
        review_max_request_mib: MiB of all files of a request.
        review_display_profile: display policy of projects that were given none: `strict`, `standard` or
            `open-data`.
        review_day_zone: time zone in which the days of display budgets begin and end.
    """

    review_url: str = ""
    review_policy: str = "review-1"
    review_reviewers: int = Field(default=2, ge=1, le=5)
    review_download_days: int = Field(default=14, ge=1, le=365)
    review_check_profile: str = DEFAULT
    review_check_workers: int = Field(default=0, ge=0, le=64)
    review_max_file_mib: int = Field(default=64, ge=1, le=1024)
    review_max_request_mib: int = Field(default=256, ge=1, le=4096)
    review_display_profile: str = Field(default="standard", pattern="^(?:strict|standard|open-data)$")
    review_day_zone: str = "Asia/Seoul"

    @field_validator("review_day_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(name)
        return name

    @property
    def day_zone(self) -> ZoneInfo:
        """Where days begin and end."""
        return ZoneInfo(self.review_day_zone)

    @property
    def folder(self) -> Path:
        """What egress review alone reads and writes."""
        return self.state / "review"

    @property
    def database(self) -> str:
        """URL of the review database."""
        return self.review_url or f"sqlite:///{self.folder / 'review.sqlite'}"

    @property
    def vault(self) -> Path:
        """Folder of the content-addressed store."""
        return self.folder / "store"

    @property
    def shown(self) -> Path:
        """Folder of the contents of what sessions showed."""
        return self.folder / "shown"

    @property
    def ledger(self) -> Path:
        """Folder of the sets of persons behind released tables."""
        return self.folder / "ledger"

    @property
    def keys(self) -> Path:
        """Folder of the signing key."""
        return self.folder / "keys"

    @property
    def check_policy(self) -> CheckPolicy:
        """What the checks obey.

        Raises:
            Invalid: there is no such profile, or its numbers are not set.
        """
        policy = CheckPolicy(profile=profile_at(self.review_check_profile))
        workers = self.review_check_workers
        return replace(policy, engine=Engine.DASK, workers=workers, cpus=workers) if workers else policy

    @property
    def policy(self) -> ReviewPolicy:
        """The review policy."""
        return ReviewPolicy(
            version=self.review_policy,
            reviewers=self.review_reviewers,
            download_days=self.review_download_days,
            max_file_bytes=self.review_max_file_mib * MIB,
            max_request_bytes=self.review_max_request_mib * MIB,
        )
