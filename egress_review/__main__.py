"""Run egress review: `python -m egress_review`."""

from __future__ import annotations

import sys

from egress_review.app import create_app
from egress_review.settings import ReviewSettings
from egress_review.wiring import parts_of
from web.serving import run_service


def main() -> int:
    """Serve until a signal; 78 if it refuses to start."""
    settings = ReviewSettings()
    return run_service(lambda: create_app(parts_of(settings)), settings.port("review"))


if __name__ == "__main__":
    sys.exit(main())
