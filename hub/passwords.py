"""The demo's passwords: hashed for verifying, and a plain copy that only the operator's account can read.

Guarantees: verifying takes the same time whether the person exists or not, and compares in constant time;
the hashes alone sign nobody in. Does not guarantee secrecy from whoever can read `secrets/demo-
passwords.json`: that file is there so that the demo can be used, and is not made for anything but the demo.

Source: RFC 7914 (scrypt), parameters N=2^14, r=8, p=1.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

_N, _R, _P, _BYTES = 2**14, 8, 1, 32
_MAX_PASSWORD = 256
_ALPHABET = "abcdefghijkmnopqrstuvwxyz23456789"


class PasswordBook:
    """Who signs in with what, in two files of the secrets folder."""

    def __init__(self, folder: Path) -> None:
        self._hashes = folder / "passwords.json"
        self._plain = folder / "demo-passwords.json"
        self._nobody = _hash(secrets.token_hex(16))

    def verify(self, person: str, password: str) -> bool:
        """Whether this is the person's password."""
        known = _read(self._hashes).get(person)
        salt, _, expected = (known or self._nobody).partition(":")
        given = _hash(password[:_MAX_PASSWORD], salt).partition(":")[2]
        same = hmac.compare_digest(given, expected)
        return same and known is not None and len(password) <= _MAX_PASSWORD

    def ensure(self, people: Iterable[str]) -> dict[str, str]:
        """Give a random password to each person who has none; the new ones only."""
        hashes, plain = _read(self._hashes), _read(self._plain)
        fresh = {person: new_password() for person in people if person not in hashes}
        if fresh:
            _write(self._plain, plain | fresh)
            _write(self._hashes, hashes | {person: _hash(word) for person, word in fresh.items()})
        return fresh

    def shown(self) -> dict[str, str]:
        """The passwords in plain, for the operator."""
        return _read(self._plain)


def new_password() -> str:
    """Twenty characters in four groups, without those that look alike: 100 random bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))


def _hash(password: str, salt: str | None = None) -> str:
    salt = salt or secrets.token_hex(16)
    digest = hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"), salt=bytes.fromhex(salt), n=_N, r=_R, p=_P, dklen=_BYTES
    )
    return f"{salt}:{digest.hex()}"


def _read(path: Path) -> dict[str, str]:
    try:
        values = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return {str(name): str(value) for name, value in values.items()}


def _write(path: Path, values: dict[str, str]) -> None:
    """Replace the file as a whole; a crash leaves the old one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(values, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
