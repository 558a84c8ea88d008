from tests.support.boxes import ordinary_user

__all__ = ["ordinary_user"]
