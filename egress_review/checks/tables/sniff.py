"""What a file is, by its bytes; and which kinds may leave at all.

Guarantees: only six kinds are let through: CSV, plain text, PNG and JPEG, each recognised by its whole
content and not by its name, and Parquet and XLSX, which `read_table` holds to the one form that we write
ourselves. Other archives, pickles, HDF5, other office files, PDF, HTML, SVG, notebooks, JSON and everything
unknown are blocked. It does not guarantee that an allowed file carries no message: pictures and prose are for
people to judge.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass

from egress_review.checks.findings import FindingCode
from egress_review.checks.refusal import finding
from egress_review.checks.report import Finding
from egress_review.checks.tables.pictures import jpeg_hides, png_hides

ENDINGS = {
    "csv": (".csv",),
    "jpeg": (".jpg", ".jpeg"),
    "parquet": (".parquet",),
    "png": (".png",),
    "text": (".txt",),
    "xlsx": (".xlsx",),
}
TABLES = ("csv", "parquet", "xlsx")
"""Kinds that can be proven by recomputation."""
_FIRST_PART, _BOOK = b"[Content_Types].xml", b"xl/workbook.xml"
_MAGIC = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!", "rar"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"ARROW1", "arrow"),
    (b"FEA1", "feather"),
    (b"%PDF", "pdf"),
    (b"%!PS", "postscript"),
    (b"{\\rtf", "rtf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"\x93NUMPY", "numpy"),
    (b"\x7fELF", "program"),
    (b"GIF8", "gif"),
    (b"RIFF", "riff"),
    (b"\x80\x02", "pickle"),
    (b"\x80\x03", "pickle"),
    (b"\x80\x04", "pickle"),
    (b"\x80\x05", "pickle"),
)
_HEAD = 4096
_TEXT_CONTROLS = frozenset("\t\n\r")
# Cf: invisible and direction marks; Co, Cn: no agreed meaning; Zl, Zp: line ends that no editor shows.
_HIDDEN = frozenset({"Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a file is.

    Attributes:
        file_type: a key of `ENDINGS`, or what it was taken for.
        text: its text, if it is allowed text.
        findings: why it is not allowed, if any.
    """

    file_type: str
    findings: tuple[Finding, ...] = ()
    text: str | None = None

    @property
    def stopped(self) -> bool:
        """Whether no further check makes sense."""
        return bool(self.findings)


def sniff(name: str, raw: bytes) -> Sniffed:
    """Say what `raw` is and whether it may go on to further checks."""
    if not raw:
        return Sniffed("empty", (finding(FindingCode.EMPTY_FILE),))
    if raw.startswith(b"\x89PNG\r\n\x1a\n"):
        return _picture(name, "png", png_hides(raw))
    if raw.startswith(b"\xff\xd8\xff"):
        return _picture(name, "jpeg", jpeg_hides(raw))
    if raw.startswith(b"PAR1"):
        return Sniffed("parquet", tuple(_ending(name, "parquet")))
    if raw.startswith(b"PK\x03\x04") and _FIRST_PART in raw and _BOOK in raw:
        return Sniffed("xlsx", tuple(_ending(name, "xlsx")))
    for magic, file_type in _MAGIC:
        if raw.startswith(magic):
            return _refused(file_type)
    return _text(name, raw)


def _refused(file_type: str) -> Sniffed:
    return Sniffed(file_type, (finding(FindingCode.TYPE_NOT_ALLOWED, type=file_type),))


def _ending(name: str, file_type: str) -> list[Finding]:
    if name.lower().endswith(ENDINGS[file_type]):
        return []
    return [finding(FindingCode.EXTENSION_MISMATCH, name=name, type=file_type)]


def _picture(name: str, file_type: str, hidden: str) -> Sniffed:
    found = _ending(name, file_type)
    if hidden:
        found.append(finding(FindingCode.HIDDEN_DATA, part=hidden))
    return Sniffed(file_type, (*found, finding(FindingCode.NO_PROOF_FOR_TYPE, type=file_type)))


def _text(name: str, raw: bytes) -> Sniffed:
    text = _decode(raw)
    if isinstance(text, Sniffed):
        return text
    markup = _markup(text)
    if markup:
        return _refused(markup)
    if any(unicodedata.category(sign) == "Cc" and sign not in _TEXT_CONTROLS for sign in set(text)):
        return Sniffed("binary", (finding(FindingCode.BINARY_IN_TEXT),))
    file_type = "csv" if name.lower().endswith(".csv") else "text"
    found = _ending(name, file_type)
    # The body of a table is proven character by character against the source; its header is the researcher's.
    if has_hidden(text.partition("\n")[0] if file_type == "csv" else text):
        found.append(finding(FindingCode.HIDDEN_CHARACTERS))
    if file_type == "text":
        found.append(finding(FindingCode.NO_PROOF_FOR_TYPE, type=file_type))
    return Sniffed(file_type, tuple(found), text)


def _decode(raw: bytes) -> str | Sniffed:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if raw[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            return Sniffed("text", (finding(FindingCode.NOT_UTF8, place="0"),))
        named = _named(raw)
        if named or b"\x00" in raw:
            return _refused(named or "binary")
        return Sniffed("text", (finding(FindingCode.NOT_UTF8, place=str(error.start)),))


def _named(raw: bytes) -> str:
    """What a catalogue of signatures takes the first bytes for; only to tell the researcher."""
    import puremagic  # a hundredth of a second to load, and most files are tables

    try:
        return str(puremagic.from_string(raw[:_HEAD])).lstrip(".")
    except (puremagic.PureError, ValueError):
        return ""


def _markup(text: str) -> str:
    """The name of a format that is text but more than text, or ""."""
    start = text.lstrip("\ufeff \t\r\n")
    head = start[:1024].lower()
    if start.startswith("<"):
        return next((kind for kind in ("svg", "html") if kind in head), "xml")
    if start.startswith(("{", "[")):
        return _json_kind(start)
    return ""


def _json_kind(text: str) -> str:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        # Nested too deep, or cut off: `{` and `[` begin no table of ours, and prose may.
        return "" if len(text) < _HEAD else "json"
    return "notebook" if isinstance(body, dict) and "nbformat" in body else "json"


def has_hidden(text: str) -> bool:
    """Whether a text holds characters that a reader does not see."""
    return (
        any(unicodedata.category(sign) in _HIDDEN for sign in set(text) if sign != "\ufeff")
        or "\ufeff" in text[1:]
    )
