"""JupyterLab as people see it: our extension, what is not there, submitting, other sessions, the end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.tour.installation import Running
from hub.tour.steps import TABLE
from hub.tour.visitor import Visitor
from onggi.words import LANGUAGES, say
from tests.support.lab_page import LabPage, open_lab
from tests.support.looked_at import trouble_of

pytestmark = [pytest.mark.browser, pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(300)]

PEOPLE = {"en": ("researcher1", "nafld-study"), "ko": ("researcher2", "claims-study")}
LEAVES = re.compile(r"download|export|share|print|nbconvert|내려받|다운로드|내보내|공유|인쇄", re.IGNORECASE)

SIGNS_OUT = re.compile(r"log ?out|로그아웃|hub:|filemenu:shutdown", re.IGNORECASE)


@pytest.fixture(scope="module")
def labs(browser: Browser, running: Running) -> Iterator[dict[str, LabPage]]:
    found = {
        language: open_lab(browser, running, person, project, language)
        for language, (person, project) in PEOPLE.items()
    }
    for lab in found.values():
        lab.new_notebook()
    yield found
    for lab in found.values():
        lab.context.close()


@pytest.fixture(params=sorted(PEOPLE))
def lab(request: pytest.FixtureRequest, labs: dict[str, LabPage]) -> LabPage:
    return labs[request.param]


def test_the_extension_loads_without_a_violation_or_an_error(lab: LabPage) -> None:
    assert lab.in_page("document.documentElement.lang").split("-")[0] == lab.language
    shown = lab.page.locator(".onggi-state").inner_text()
    assert shown.startswith(lab.say("lab.status_session").split("{")[0].strip())
    assert lab.trouble == []


def test_the_watermark_names_who_where_and_when_and_is_in_nobodys_way(lab: LabPage) -> None:
    layer = lab.page.locator("#onggi-watermark")
    text = layer.get_attribute("data-text") or ""
    assert re.fullmatch(rf"{lab.person} · {lab.project} · \d{{4}}-\d\d-\d\d \d\d:\d\d", text)
    assert layer.get_attribute("aria-hidden") == "true"
    for media in ("screen", "print"):
        lab.page.emulate_media(media=media)
        style = lab.in_page("(({ display, position, pointerEvents }) => [display, position, pointerEvents])"
                            "(getComputedStyle(document.getElementById('onggi-watermark')))")  # fmt: skip
        assert style == ["block", "fixed", "none"]
    lab.page.emulate_media(media="screen")


def test_the_budget_shown_follows_the_cells(lab: LabPage, pictures: Path) -> None:
    before = lab.page.locator(".onggi-state").inner_text()
    lab.run("print('shown ' * 2000)")
    expect(lab.page.locator(".onggi-state")).not_to_have_text(before, timeout=10_000)
    lab.page.locator(".onggi-state").press("Enter")
    dialog = lab.page.get_by_role("dialog")
    expect(dialog).to_contain_text(lab.say("lab.budget_session"))
    expect(dialog).to_contain_text(lab.say("lab.compute_running"))
    lab.page.screenshot(path=pictures / f"lab-state-{lab.language}.png")
    lab.page.keyboard.press("Escape")
    expect(lab.page.locator(".onggi-state")).to_be_focused()


def test_long_work_shows_for_how_long(labs: dict[str, LabPage]) -> None:
    lab = labs["en"]
    cell = lab.page.locator(".jp-Notebook .jp-CodeCell").last
    cell.locator(".cm-content").fill("import time; time.sleep(7)")
    lab.page.keyboard.press("Shift+Enter")
    expect(lab.page.locator(".onggi-state")).to_contain_text(
        re.compile(r"Running for 0:0[4-9]"), timeout=15_000
    )
    expect(lab.page.locator(".onggi-state")).not_to_contain_text("Running", timeout=15_000)


def test_no_menu_downloads_exports_or_shares(lab: LabPage) -> None:
    page = lab.page
    lab.run("open('table.csv', 'w').write('a,b\\n1,2\\n')")
    seen: set[str] = set()
    for number in range(page.locator(".lm-MenuBar-item").count()):
        page.locator(".lm-MenuBar-item").nth(number).click()
        seen |= _entries(page, ".lm-Menu-item:visible")
        for submenu in page.locator('.lm-Menu-item[data-type="submenu"]').all():
            submenu.hover()
            page.wait_for_timeout(350)
            seen |= _entries(page, ".lm-Menu-item:visible")
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
    places = (
        lab.file("table.csv"),
        lab.file("Untitled.ipynb"),
        page.locator(".jp-Notebook .jp-Cell").first,
        page.locator(".lm-TabBar-tab.lm-mod-current").last,
        page.locator(".jp-OutputArea-output").first,
    )
    for place in places:
        place.click(button="right")
        seen |= _entries(page, ".lm-Menu-item:visible")
        page.keyboard.press("Escape")
    page.keyboard.press("Control+Shift+C")
    page.wait_for_selector(".lm-CommandPalette-item:visible")
    seen |= _entries(page, ".lm-CommandPalette-item:visible")
    page.keyboard.press("Escape")
    assert len(seen) > 100
    assert {entry for entry in seen if LEAVES.search(entry)} == set()
    assert {entry.split()[-1] for entry in seen if SIGNS_OUT.search(entry)} == {"hub:logout"}


def _entries(page: Page, selector: str) -> set[str]:
    """Labels and commands of the entries that can be seen."""
    script = "all => all.map(one => `${one.textContent} ${one.dataset.command ?? ''}`)"
    return set(page.locator(selector).evaluate_all(script))


def test_a_data_file_says_why_it_is_not_shown(lab: LabPage, pictures: Path) -> None:
    lab.run("open('data.parquet', 'wb').write(b'x' * 5000)")
    lab.file("data.parquet").dblclick()
    panel = lab.page.locator(".onggi-not-shown")
    expect(panel).to_contain_text(lab.say("lab.not_shown_why"), timeout=20_000)
    expect(panel.get_by_role("button", name=lab.say("lab.submit"))).to_be_visible()
    assert lab.page.get_by_role("dialog").count() == 0
    lab.page.screenshot(path=pictures / f"lab-not-shown-{lab.language}.png")
    lab.page.locator(".lm-TabBar-tab.lm-mod-current .lm-TabBar-tabCloseIcon").last.click()


@pytest.mark.parametrize(
    "path", ["files/table.csv", "nbconvert/html/Untitled.ipynb?download=true", "archive/x"]
)
def test_a_download_address_answers_how_files_leave(lab: LabPage, pictures: Path, path: str) -> None:
    page = lab.context.new_page()
    downloads: list[object] = []

    def heard(download: object) -> None:
        downloads.append(download)

    page.on("download", heard)
    answer = page.goto(lab.session + path)
    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_role("heading")).to_have_text(lab.say("lab.refused_title"))
    expect(page.get_by_text(lab.say("lab.release_step_submit"))).to_be_visible()
    page.screenshot(path=pictures / f"lab-download-{lab.language}.png")
    page.get_by_role("link", name=lab.say("lab.back_to_session")).click()
    page.wait_for_url(f"**/{lab.project}/lab**")
    assert downloads == []
    page.close()


def test_a_file_is_submitted_from_the_file_browser_and_reaches_the_reviewers(
    labs: dict[str, LabPage], running: Running, pictures: Path
) -> None:
    lab = labs["en"]
    lab.run(f'import onggi; onggi.table("""{TABLE}""", to="persons.csv"); None')
    lab.file("persons.csv").click(button="right")
    lab.page.screenshot(path=pictures / "lab-menu-en.png")
    lab.page.locator('.lm-Menu-item[data-command="onggi:submit"]').click()
    dialog = lab.page.get_by_role("dialog")
    expect(dialog.get_by_label(lab.say("lab.purpose"))).to_be_focused()
    lab.page.keyboard.press("Enter")  # without a purpose nothing is sent
    expect(dialog.get_by_text(lab.say("lab.purpose_missing"))).to_be_visible()
    dialog.get_by_label(lab.say("lab.purpose")).fill("Table 1 of the report")
    dialog.get_by_label(lab.say("lab.context")).fill("Whole cohort")
    lab.page.screenshot(path=pictures / "lab-submit-en.png")
    dialog.get_by_role("button", name=lab.say("lab.submit_send")).click()
    told = lab.page.locator(".Toastify__toast", has_text="r-")
    expect(told).to_be_visible(timeout=30_000)
    request = (re.findall(r"r-[0-9a-f]{16}", told.inner_text()) or ["none"])[0]
    reviewer = Visitor("reviewer1", running.password("reviewer1"), running.origin("hub_public"))
    reviewer.sign_in()
    queue = reviewer.get(f"{running.origin('review')}/requests/{request}").text
    reviewer.close()
    assert "Table 1 of the report" in queue
    assert "persons.csv" in queue


def test_a_submission_that_is_refused_says_why(labs: dict[str, LabPage]) -> None:
    lab = labs["ko"]
    lab.run("import os; open('there.csv', 'w').write('a'); None")
    item = lab.file("there.csv")
    lab.run("os.remove('there.csv'); os.symlink('/etc/passwd', 'there.csv'); None")
    item.click(button="right")
    lab.page.locator('.lm-Menu-item[data-command="onggi:submit"]').click()
    dialog = lab.page.get_by_role("dialog")
    dialog.get_by_label(lab.say("lab.purpose")).fill("표 1")
    dialog.get_by_role("button", name=lab.say("lab.submit_send")).click()
    why = lab.say("reasons.file_link_refused", name="there.csv")
    expect(lab.page.locator(".Toastify__toast", has_text=why)).to_be_visible(timeout=30_000)


KERNEL = """async () => {
    const config = JSON.parse(document.getElementById('jupyter-config-data').textContent);
    const token = document.cookie.match(/_xsrf=([^;]*)/)[1];
    const headers = { 'X-Onggi-Page': config.onggi.page_key, 'X-XSRFToken': token };
    let kernels = [];
    while (kernels.length === 0) {
        await new Promise(resolve => setTimeout(resolve, 300));
        kernels = await (await fetch(config.baseUrl + 'api/kernels', { headers })).json();
    }
    return kernels[0].id;
}"""
OTHER = """async ({ base, kernel }) => {
    const found = {};
    const own = JSON.parse(document.getElementById('jupyter-config-data').textContent).onggi.page_key;
    const ask = async (name, path, init) => {
        const answer = await fetch(base + path, init);
        found[name] = `${answer.status} ${answer.headers.get('X-Onggi-Reason')}`;
    };
    await ask('plain', 'api/contents', {});
    await ask('with our key', 'api/contents', { headers: { 'X-Onggi-Page': own } });
    await ask('forged referrer', 'api/contents', { referrer: base + 'lab', referrerPolicy: 'unsafe-url' });
    await ask('kernel', 'api/kernels', { method: 'POST', body: '{}' });
    await ask('page', 'lab', { referrer: base + 'lab', referrerPolicy: 'unsafe-url' });
    const opens = protocols => new Promise(resolve => {
        const address = `${base.replace('http', 'ws')}api/kernels/${kernel}/channels`;
        const socket = new WebSocket(address, protocols);
        socket.onopen = () => { socket.close(); resolve('open'); };
        socket.onerror = () => resolve('refused');
    });
    found.socket = await opens(['v1.kernel.websocket.jupyter.org']);
    found['socket with our key'] = await opens(['v1.kernel.websocket.jupyter.org', `onggi.page.${own}`]);
    const other = window.open(base + 'lab');
    await new Promise(resolve => setTimeout(resolve, 3000));
    try { found.opened = other === null || other.closed ? 'no hold' : other.document.title; }
    catch (error) { found.opened = 'no hold'; }
    found.frame = await new Promise(resolve => {
        const frame = document.createElement('iframe');
        const look = () => {
            let inside = null;
            try { inside = frame.contentDocument.getElementById('jupyter-config-data'); } catch {}
            resolve(inside ? 'read' : 'nothing');
        };
        frame.onload = look;
        frame.src = base + 'lab';
        document.body.append(frame);
        setTimeout(look, 2000);
    });
    const script = document.querySelector('script[src*="static/lab/main"]').src;
    found.worker = await navigator.serviceWorker.register(script).then(() => 'registered', () => 'refused');
    return found;
}"""


def test_one_sessions_page_cannot_speak_for_another(
    browser: Browser, labs: dict[str, LabPage], running: Running
) -> None:
    mine = labs["en"]
    admin = Visitor("admin", running.password("admin"), running.origin("hub_public"))
    admin.sign_in()
    path = "/admin/projects/claims-study"
    page = admin.get(running.origin("desk") + path)
    form = {"person": "researcher1", "role": "researcher", "starts": "", "ends": ""}
    assert admin.submit(page, f"{path}/members", form).is_success
    admin.close()
    other = LabPage(running, "researcher1", "claims-study", "en", mine.context, mine.context.new_page())
    other.open()
    other.new_notebook()
    assert other.trouble == []
    kernel = other.in_page(KERNEL)
    before = len(mine.trouble)
    found = mine.in_page(OTHER, {"base": other.session, "kernel": kernel})
    del mine.trouble[before:]  # the browser reports each refusal on the console
    asked = ("plain", "with our key", "forged referrer", "kernel", "page")
    assert {name: found[name] for name in asked} == dict.fromkeys(asked, "403 cross_session_request")
    assert found["socket"] == found["socket with our key"] == found["worker"] == "refused"
    assert found["opened"] == "no hold"
    assert found["frame"] == "nothing"
    other.page.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_signs_out_is_signed_out_everywhere_and_told_so(
    browser: Browser, running: Running, language: str, pictures: Path
) -> None:
    person, project = PEOPLE[language]
    mine = open_lab(browser, running, person, project, language)
    page, desk, review = mine.page, running.origin("desk"), running.origin("review")
    page.goto(f"{review}/mine")
    expect(page.locator(".person")).to_have_text(person)
    page.goto(mine.session + "lab")
    expect(page.locator(".onggi-state")).to_be_visible(timeout=60_000)
    page.locator(".lm-MenuBar-item").first.click()
    page.locator('.lm-Menu-item[data-command="hub:logout"]').click()
    page.wait_for_url("**/hub/signed-out")
    expect(page.get_by_role("heading", level=1)).to_have_text(mine.say("hub.signed_out"))
    assert trouble_of(page) == []
    page.screenshot(path=pictures / f"signed-out-{language}.png")
    for address in (f"{desk}/", f"{review}/mine", mine.session + "lab"):
        page.goto(address)
        expect(page.get_by_label(mine.say("hub.password"))).to_be_visible()
    mine.context.close()


def test_an_ended_session_says_so_and_leads_to_the_desk(
    labs: dict[str, LabPage], running: Running, pictures: Path
) -> None:
    lab = labs["ko"]
    admin = Visitor("admin", running.password("admin"), running.origin("hub_public"))
    admin.sign_in()
    path = f"/admin/projects/{lab.project}"
    page = admin.get(running.origin("desk") + path)
    assert admin.submit(page, f"{path}/members/end", {"person": lab.person}).is_success
    admin.close()
    ended = lab.page.get_by_role("alertdialog")
    expect(ended).to_contain_text(say("ko", "lab.ended_title"), timeout=60_000)
    expect(ended).to_contain_text(say("ko", "reasons.membership_ended", project=lab.project))
    lab.page.screenshot(path=pictures / "lab-ended-ko.png")
    expect(ended.get_by_role("link", name=lab.say("lab.to_desk"))).to_be_focused()
    assert ended.get_by_role("link").get_attribute("href") == running.origin("desk")
    lab.page.keyboard.press("Escape")
    expect(ended).to_have_count(0)
