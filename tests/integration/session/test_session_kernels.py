"""Cells run in real kernels through the real agent; what comes back passed the gate."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from typing import Any


def test_a_cell_runs_and_its_result_is_shown(new_kernel: Any, said: Any) -> None:
    async def story() -> None:
        async with new_kernel() as kernel:
            found = await kernel.run("print('hello'); 6 * 7")
            shown = [
                kind for kind, _ in found if kind != "execute_reply"
            ]  # another socket, so in no order to these
            assert shown == ["status", "execute_input", "stream", "execute_result", "status"]
            assert said(found) == "hello\n42"

    asyncio.run(story())


def test_a_flood_is_cut_and_the_kernel_goes_on(new_kernel: Any, said: Any) -> None:
    async def story() -> None:
        async with new_kernel() as kernel:
            text = said(await kernel.run("print('x' * 5_000_000)"))
            assert text.count("x") < 66_000
            assert "65,536" in text
            assert said(await kernel.run("1 + 1")) == "2"

    asyncio.run(story())


def test_a_piece_that_is_too_large_ends_no_cell_and_no_connection(new_kernel: Any, said: Any) -> None:
    async def story() -> None:
        async with new_kernel() as kernel:
            text = said(await kernel.run("print('x' * 20_000_000)"))
            assert 60_000 < text.count("x") < 66_000
            assert "65,536" in text
            assert "lost" not in text
            assert said(await kernel.run("1 + 1")) == "2"

    asyncio.run(story())


MANY_LINES = """
for _ in range(400):
    print('x' * 60_000)
"""
LONG_BUFFER = """
kernel = get_ipython().kernel
kernel.session.send(kernel.iopub_socket, 'stream', {'name': 'stdout', 'text': 'gone'},
                    parent=kernel.get_parent(), ident=b'stream', buffers=[bytes(17_000_000)])
print('here')
"""


def test_many_long_lines_show_the_first_of_them(new_kernel: Any, said: Any) -> None:
    async def story() -> None:
        async with new_kernel() as kernel:
            text = said(await kernel.run(MANY_LINES))
            assert 60_000 < text.count("x") < 66_000
            assert "65,536" in text
            assert "lost" not in text

    asyncio.run(story())


def test_a_message_that_cannot_be_kept_is_said_to_be_lost(new_kernel: Any, said: Any) -> None:
    async def story() -> None:
        async with new_kernel() as kernel:
            text = said(await kernel.run(LONG_BUFFER))
            assert "here" in text
            assert "lost" in text
            assert "gone" not in text

    asyncio.run(story())


def test_script_widgets_and_forged_messages_do_not_pass(new_kernel: Any) -> None:
    code = """
from IPython.display import display, HTML, Javascript
from IPython import get_ipython
display(Javascript('alert("SECRET")'))
display(HTML('<script>SECRET1</script><a href="http://x/SECRET2">l</a><b>kept</b>'))
shell = get_ipython()
kernel = shell.kernel
for number in range(300):
    kernel.session.send(kernel.iopub_socket, 'stream', {'name': 'stdout', 'text': 'SECRET3' * 500},
                        parent={'header': {'msg_id': f'invented-{number}'}}, ident=b'stream')
kernel.session.send(kernel.iopub_socket, 'comm_open', {'comm_id': 'SECRET4', 'data': {}}, ident=b'comm')
kernel.session.send(kernel.iopub_socket, 'status', {'execution_state': 'SECRET5'}, ident=b'status',
                    metadata={'x': 'SECRET6'})
shell.payload_manager.write_payload({'source': 'page', 'data': {'text/plain': 'SECRET7'}})
"""

    async def story() -> None:
        async with new_kernel() as kernel:
            await kernel.run(code)
            await kernel.run("1")
            # The code itself comes back as the echo of what the browser sent.
            shown = json.dumps([m for m in kernel.messages if m["header"]["msg_type"] != "execute_input"])
            assert "kept" in shown
            for number in (1, 2, 4, 5, 6, 7):
                assert f"SECRET{number}" not in shown
            assert shown.count("SECRET3") * 7 <= 70_000
            assert 'alert("SECRET")' not in shown

    asyncio.run(story())


def test_help_is_written_as_output_since_no_pager_is_shown(new_kernel: Any) -> None:
    async def story() -> None:
        async with new_kernel() as kernel:
            found = await kernel.run("len?")
            assert "Return the number of items" in json.dumps(found)

    asyncio.run(story())


def test_input_and_interrupt_and_restart(new_kernel: Any, said: Any, browser: Any) -> None:
    async def story() -> None:
        async with new_kernel() as kernel:
            asked = await kernel.send(
                "execute_request", {"code": "print('hi ' + input('name? '))", "allow_stdin": True}
            )
            while (message := await kernel.read())["header"]["msg_type"] != "input_request":
                pass
            assert message["content"]["prompt"] == "name? "
            await kernel.send("input_reply", {"value": "x"}, "stdin")
            while (message := await kernel.read())["header"]["msg_type"] != "stream":
                pass
            assert message["content"]["text"] == "hi x" + "\n" or message["parent_header"]["msg_id"] == asked

            sleeping = asyncio.create_task(kernel.run("import time; time.sleep(60)"))
            await asyncio.sleep(1)
            begun = time.monotonic()
            await asyncio.to_thread(browser.api, "POST", f"api/kernels/{kernel.id}/interrupt")
            found = await sleeping
            assert time.monotonic() - begun < 5
            assert any(content.get("ename") == "KeyboardInterrupt" for _, content in found)
            await asyncio.to_thread(browser.api, "POST", f"api/kernels/{kernel.id}/restart")
        async with new_kernel() as kernel:
            assert said(await kernel.run("1")) == "1"

    asyncio.run(story())


def test_each_cell_is_in_the_audit_log(new_kernel: Any, browser: Any) -> None:
    code = "print('audited', 12345)"

    async def story() -> None:
        async with new_kernel() as kernel:
            await kernel.run(code)

    asyncio.run(story())
    wanted = hashlib.sha256(code.encode()).hexdigest()
    executed: list[Any] = []
    shown: list[Any] = []
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        events = browser.control()["events"]
        executed = [event for event in events if event["details"].get("code_sha256") == wanted]
        subjects = {event["subject"] for event in executed}
        shown = [
            event for event in events if event["action"] == "cell.shown" and event["subject"] in subjects
        ]
        if executed and len(shown) >= len(executed):
            break
        time.sleep(0.1)
    assert executed[0]["action"] == "cell.execute"
    assert executed[0]["actor"] == "researcher1"
    assert shown[-1]["details"]["shown_bytes"] == {"text/plain": len("audited 12345\n")}


def test_two_pages_on_one_kernel_see_the_same(new_kernel: Any) -> None:
    async def story() -> None:
        async with new_kernel() as first, first.another_page() as second:
            await first.run("print('shared ' * 3)")
            seen = ""
            while "shared" not in seen:
                message = await second.read()
                seen += (
                    message["content"].get("text", "") if message["header"]["msg_type"] == "stream" else ""
                )

    asyncio.run(story())


def test_only_one_kind_of_kernel(browser: Any) -> None:
    specs = browser.api("GET", "api/kernelspecs")
    assert list(specs["kernelspecs"]) == ["python3"]
    status, *_ = browser.ask(
        "POST", browser.place.url[len(browser.place.origin) :] + "api/kernels", {"name": "bash"}
    )
    assert status >= 400
