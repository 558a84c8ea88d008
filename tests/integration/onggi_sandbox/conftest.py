"""Running code in real boxes."""

from __future__ import annotations

from tests.support.boxes import launched_boxes, ordinary_user, run_in_box

__all__ = ["launched_boxes", "ordinary_user", "run_in_box"]
