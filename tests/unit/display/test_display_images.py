"""Images reach a page as pixels drawn anew, by a process that can do nothing else."""

from __future__ import annotations

import base64
import io
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from egress_review.display import redraw, redrawing
from egress_review.display.images import Drawn
from egress_review.display.policy import DisplayPolicy
from egress_review.display.redrawing import ImageWorker, filter_program
from onggi.reasons import Reason
from tests.support.display import POLICY, WORKER, execute, make_gate, picture, png, show

ALL = DisplayPolicy(mime_types=frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"}))


@pytest.fixture
def worker() -> Iterator[ImageWorker]:
    made = ImageWorker(seconds=3)
    yield made
    made.close()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_pixels_stay_and_metadata_go() -> None:
    image = Image.effect_noise((60, 40), 50).convert("RGBA")
    info = PngImagePlugin.PngInfo()
    info.add_text("secret", "SECRET" * 100)
    written = io.BytesIO()
    image.save(written, "PNG", pnginfo=info, dpi=(300, 300), icc_profile=b"SECRET" * 50)
    drawn = WORKER("image/png", written.getvalue() + b"SECRET" * 1000, POLICY)
    assert isinstance(drawn, Drawn)
    assert b"SECRET" not in drawn.raw
    assert Image.open(io.BytesIO(drawn.raw)).convert("RGBA").tobytes() == image.tobytes()
    chunks = {drawn.raw[at + 4 : at + 8] for at in starts(drawn.raw)}
    assert chunks <= {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"}


@pytest.mark.parametrize(
    ("mode", "alpha", "shown"), [("RGBA", 255, "RGB"), ("LA", 255, "L"), ("RGBA", 254, "RGBA")]
)
def test_transparency_stays_where_there_is_any(mode: str, alpha: int, shown: str) -> None:
    image = Image.effect_noise((60, 40), 50).convert(mode)
    image.putalpha(alpha)
    written = io.BytesIO()
    image.save(written, "PNG")
    drawn = WORKER("image/png", written.getvalue(), POLICY)
    assert isinstance(drawn, Drawn)
    seen = Image.open(io.BytesIO(drawn.raw))
    assert seen.mode == shown
    assert seen.convert(mode).tobytes() == image.tobytes()


def starts(raw: bytes) -> Iterator[int]:
    at = 8
    while at < len(raw):
        yield at
        at += 12 + int.from_bytes(raw[at : at + 4], "big")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_every_kind_of_image_that_notebooks_hold_is_shown(form: str, mode: str) -> None:
    written = io.BytesIO()
    image = Image.new("L", (30, 20), 200)
    try:
        (image if mode == "I;16" else image.convert(mode)).save(written, form)
    except (OSError, ValueError):
        return  # no such image exists
    drawn = WORKER(f"image/{form.lower()}", written.getvalue(), ALL)
    assert isinstance(drawn, Drawn)
    assert drawn.kind == ("image/jpeg" if form == "JPEG" else "image/png")
    assert Image.open(io.BytesIO(drawn.raw)).size == (30, 20)


def test_of_a_film_the_first_picture_is_shown() -> None:
    written = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    frames[0].save(written, "GIF", save_all=True, append_images=frames[1:])
    drawn = WORKER("image/gif", written.getvalue(), ALL)
    assert isinstance(drawn, Drawn)
    shown = Image.open(io.BytesIO(drawn.raw))
    assert shown.convert("RGB").getpixel((4, 4)) == (255, 0, 0)
    assert getattr(shown, "n_frames", 1) == 1


def bomb(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 10_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (2**31 - 1, 2**31 - 1), (4_000_001, 1)])
def test_a_bomb_is_refused_by_its_size_before_it_is_decoded(width: int, height: int) -> None:
    begun = time.monotonic()
    refused = WORKER("image/png", bomb(width, height), POLICY)
    assert refused in {Reason.DISPLAY_IMAGE_PIXELS, Reason.DISPLAY_IMAGE_BROKEN}
    assert time.monotonic() - begun < 1


def test_a_text_that_unpacks_to_gigabytes_takes_neither_time_nor_memory() -> None:
    text = b"k\0\0" + zlib.compress(b"A" * 200_000_000, 9)
    raw = picture()
    hostile = raw[:33] + chunk(b"zTXt", text) + raw[33:]
    begun = time.monotonic()
    WORKER("image/png", hostile, POLICY)
    assert time.monotonic() - begun < 3
    assert isinstance(WORKER("image/png", raw, POLICY), Drawn)


@settings(max_examples=60, deadline=None)
@given(
    form=st.sampled_from(["PNG", "JPEG", "GIF", "WEBP"]),
    cut=st.integers(0, 300),
    put=st.binary(max_size=20),
)
def test_any_damage_is_shown_or_refused(form: str, cut: int, put: bytes) -> None:
    raw = picture(form)
    answer = WORKER(f"image/{form.lower()}", raw[:cut] + put + raw[cut + len(put) :], ALL)
    assert isinstance(answer, Drawn | Reason)


def test_an_image_of_more_bytes_than_allowed_says_so() -> None:
    gate = make_gate()
    execute(gate)
    outcome = show(gate, "display_data", {"data": {"image/png": png(400, 400, noise=True)}})
    assert [notice.reason for notice in outcome.notices] == [Reason.DISPLAY_IMAGE_TOO_LARGE]


def test_broken_images_use_up_the_cells_images() -> None:
    gate = make_gate()
    execute(gate)
    broken = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 50).decode()
    for _ in range(POLICY.cell_images):
        show(gate, "display_data", {"data": {"image/png": broken}})
    outcome = show(gate, "display_data", {"data": {"image/png": png()}})
    assert [notice.reason for notice in outcome.notices] == [Reason.DISPLAY_IMAGE_LIMIT]


def test_vector_graphics_are_not_shown() -> None:
    gate = make_gate(ALL)
    execute(gate)
    data = {"image/svg+xml": "<svg><script>1</script></svg>", "text/plain": "fig"}
    assert show(gate, "display_data", {"data": data}).answers[0].content["data"] == {"text/plain": "fig"}


def test_the_process_ended_or_killed_is_started_again(worker: ImageWorker) -> None:
    assert isinstance(worker("image/png", picture(), POLICY), Drawn)
    first = worker._process
    if first is None:
        raise AssertionError
    first.kill()
    first.wait()
    assert isinstance(worker("image/png", picture(), POLICY), Drawn)
    assert worker._process is not first


def test_a_process_that_says_nothing_is_given_up(
    worker: ImageWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = [sys.executable, "-c", "import time; time.sleep(60)"]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(silent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    monkeypatch.setattr(redrawing, "_start", start)
    begun = time.monotonic()
    assert worker("image/png", picture(), POLICY) is Reason.DISPLAY_IMAGE_BROKEN
    assert time.monotonic() - begun < 5


OWNED = """
import ctypes, errno, mmap, os, resource, socket, sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))
from redraw import close_doors, warm_up
warm_up()
libc = ctypes.CDLL(None, use_errno=True)
close_doors(bytes.fromhex(sys.argv[2]))
found = []
for name, call in {
    "open": lambda: open("/etc/passwd").close(),
    "socket": lambda: socket.socket().close(),
    "unix": lambda: socket.socket(socket.AF_UNIX).close(),
    "fork": os.fork,
    "kill": lambda: os.kill(os.getppid(), 0),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "code": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_EXEC | mmap.PROT_WRITE | mmap.PROT_READ),
    "limit": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50)),
    "list": lambda: os.listdir("/"),
}.items():
    try:
        call()
        found.append(name)
    except (OSError, ValueError):
        pass
os.write(1, ("open: " + ",".join(found)).encode())
os._exit(0)
"""


def test_a_decoder_that_was_taken_over_reaches_nothing() -> None:
    script = Path(redraw.__file__)
    found = subprocess.run(
        [sys.executable, "-I", "-c", OWNED, str(script), filter_program().hex()],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.stdout == "open: ", found.stderr


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_ends_in_a_verdict_on_both_processors(machine: str) -> None:
    program = filter_program(machine)
    assert len(program) % 8 == 0
    assert struct.unpack("=HBBI", program[-8:]) == (0x06, 0, 0, 0x8000_0000)


def test_the_process_has_no_environment_and_two_pipes(worker: ImageWorker) -> None:
    worker("image/png", picture(), POLICY)
    process = worker._process
    if process is None:
        raise AssertionError
    assert {item.name for item in Path(f"/proc/{process.pid}/fd").iterdir()} == {"0", "1", "2"}
    assert Path(f"/proc/{process.pid}/environ").read_bytes() == b""
