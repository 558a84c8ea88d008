"""What a page must be for people: seen, read aloud, used by keyboard. Rules of WCAG 2.2, asked of the page.

Source: https://www.w3.org/TR/WCAG22/, success criteria 1.1.1, 1.3.1, 1.4.3, 1.4.10, 2.4.3, 2.4.7, 3.1.1 and
4.1.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, Page

_RULES = """() => {
    const wrong = [];
    const say = (rule, one, more = '') =>
        wrong.push(`${rule}: ${one.outerHTML.slice(0, 160).replace(/\\s+/g, ' ')} ${more}`);
    const shown = one => one.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    const named = one => (one.getAttribute('aria-label') ?? '').trim()
        || [...(one.getAttribute('aria-labelledby') ?? '').split(' ')].some(id => document.getElementById(id))
        || [...(one.labels ?? [])].some(label => label.textContent.trim()) || one.textContent.trim()
        || [...one.querySelectorAll('img')].some(image => image.alt);
    if (!['ko', 'en'].includes(document.documentElement.lang)) say('lang', document.documentElement);
    if (document.querySelectorAll('h1').length !== 1) say('one h1', document.body);
    if (document.querySelectorAll('main').length !== 1) say('one main', document.body);
    let level = 0;
    for (const one of [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].filter(shown)) {
        const now = Number(one.tagName[1]);
        if (now > level + 1) say(`heading after h${level}`, one);
        level = now;
    }
    const used = 'a[href],button,summary,input:not([type=hidden]),select,textarea';
    for (const one of document.querySelectorAll(used))
        if (shown(one) && !named(one)) say('name', one);
    for (const one of document.querySelectorAll('img')) if (one.getAttribute('alt') === null) say('alt', one);
    for (const one of document.querySelectorAll('[id]'))
        if (document.querySelectorAll(`[id="${CSS.escape(one.id)}"]`).length > 1) say('id twice', one);
    for (const kind of ['aria-describedby', 'aria-labelledby', 'aria-controls', 'for'])
        for (const one of document.querySelectorAll(`[${kind}]`))
            for (const id of one.getAttribute(kind).split(' '))
                if (!document.getElementById(id)) say(`${kind} leads nowhere`, one);
    for (const one of document.querySelectorAll('main table')) {
        const heads = one.querySelectorAll('th');
        if (!heads.length) say('table without heads', one);
    }
    for (const one of [...document.querySelectorAll('*')].filter(shown)) {
        const style = getComputedStyle(one);
        const rolls = way => ['auto', 'scroll'].includes(way);
        const scrolls = one.scrollHeight > one.clientHeight + 1 && rolls(style.overflowY)
            || one.scrollWidth > one.clientWidth + 1 && rolls(style.overflowX);
        const reached = one.tabIndex >= 0 || one.querySelector('a[href],button,input,[tabindex="0"]');
        if (scrolls && !reached && one !== document.documentElement && one !== document.body)
            say('scrolls, not by keyboard', one);
    }
    return wrong;
}"""
_CONTRAST = """root => {
    const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgb = colour => {
        paint.clearRect(0, 0, 1, 1); paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, under) => [0, 1, 2].map(n => top[n] * top[3] + under[n] * (1 - top[3])).concat(1);
    const light = colour => {
        const [r, g, b] = colour.slice(0, 3).map(v => v / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = one => {
        if (!one) return [255, 255, 255, 1];
        const own = rgb(getComputedStyle(one).backgroundColor);
        return own[3] === 1 ? own : over(own, ground(one.parentElement));
    };
    const wrong = [];
    const walk = document.createTreeWalker(root ?? document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const one = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || !one.checkVisibility({ visibilityProperty: true })) continue;
        if (one.closest('[disabled],[aria-disabled="true"],.unseen,script,style')) continue;
        const style = getComputedStyle(one), size = parseFloat(style.fontSize);
        const large = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700;
        const under = ground(one), top = over(rgb(style.color), under);
        const [high, low] = [light(top), light(under)].sort((a, b) => b - a);
        const ratio = (high + 0.05) / (low + 0.05);
        if (ratio < (large ? 3 : 4.5))
            wrong.push(`${ratio.toFixed(2)}: ${style.color} on ${under.slice(0, 3)}: `
                + walk.currentNode.data.trim().slice(0, 60));
    }
    return [...new Set(wrong)];
}"""
_FOCUSED = """() => {
    const one = document.activeElement;
    if (!one || one === document.body) return null;
    const style = getComputedStyle(one), place = one.getBoundingClientRect();
    const seen = place.bottom > 0 && place.right > 0 && place.top < innerHeight && place.left < innerWidth;
    const marked = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    return { what: one.outerHTML.slice(0, 120), seen, marked };
}"""
NARROW = {"width": 360, "height": 740}


class Served(Protocol):
    """A site that is served: where, and what its cookie is for somebody who is signed in."""

    origin: str
    cookie_name: str

    def cookie(self, person: str) -> str: ...


def open_page(browser: Browser, site: Served, person: str, language: str, path: str) -> Page:
    """A page of a site that is served, for somebody who is signed in."""
    context = browser.new_context(
        locale={"ko": "ko-KR", "en": "en-GB"}[language], viewport={"width": 1200, "height": 860}
    )
    cookie = {"name": site.cookie_name, "value": site.cookie(person), "url": site.origin}
    context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict that Playwright does not export
    page = context.new_page()
    page.goto(site.origin + path)
    return page


def trouble_of(page: Page) -> list[str]:
    """What a page breaks of the rules, in its present state; contrast included."""
    return [*page.evaluate(_RULES), *page.evaluate(_CONTRAST)]


def contrast_of(page: Page, selector: str) -> list[str]:
    """Texts below one element that stand out too little: below 4.5 : 1, large ones below 3 : 1."""
    return list(page.locator(selector).first.evaluate(_CONTRAST))


def overflow_of(page: Page) -> int:
    """By how many pixels the page is wider than its window of 360 pixels."""
    with narrow(page):
        return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@contextmanager
def narrow(page: Page) -> Iterator[None]:
    """A window of 360 pixels for a while."""
    before = page.viewport_size
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]  # Playwright's own TypedDict, which it does not export
    try:
        yield
    finally:
        if before is not None:
            page.set_viewport_size(before)


def stops(page: Page, most: int = 400) -> list[dict[str, Any]]:
    """What Tab leads to, from the beginning of the page to its end: what, whether it is seen and marked."""
    page.evaluate("document.activeElement?.blur(); window.getSelection()?.removeAllRanges(); scrollTo(0, 0)")
    page.keyboard.press("Tab")
    found: list[dict[str, Any]] = []
    while (here := page.evaluate(_FOCUSED)) is not None and len(found) < most:
        found.append(here)
        page.keyboard.press("Tab")
    return found


def tab_to(page: Page, selector: str, text: str = "", most: int = 300) -> None:
    """Press Tab until something is focused; it has to come."""
    wanted = page.locator(selector, has_text=re.compile(re.escape(text))).first
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            return
    pytest.fail(f"Tab never comes to {selector} {text}")


def looked_at(page: Page, name: str, language: str, pictures: Path) -> None:
    """Everything that a page has to keep, with all that folds unfolded; and a picture of it."""
    for one in page.locator("details").all():
        one.evaluate("one => { one.open = true; }")
    page.screenshot(path=pictures / f"page-{name}-{language}.png", full_page=True)
    lost = [one for one in stops(page) if not (one["seen"] and one["marked"])]
    with narrow(page):
        narrowly = trouble_of(page)
    if found := [*trouble_of(page), *narrowly, *(["wider than 360 px"] if overflow_of(page) else []), *lost]:
        pytest.fail(f"{page.url}: {found}")
