"""A person at a browser, as far as HTTP goes: cookies, forms with hidden fields, redirects.

Nothing here knows anything that a page does not say: a form is filled in and sent as it came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx2 as httpx


@dataclass(slots=True)
class Form:
    """A form of a page: where it goes and what it already holds."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(values.get("action", ""), values.get("method", "get").lower()))
        elif tag == "input" and self.forms and values.get("name") and values.get("type") == "hidden":
            self.forms[-1].fields[values["name"]] = values.get("value", "")


class NoSuchForm(Exception):
    """The page has no form that goes there."""


class Visitor:
    """One person with cookies of their own.

    Args:
        name: sign-in name.
        password: theirs.
        hub: origin of the hub and the sessions.
    """

    def __init__(self, name: str, password: str, hub: str, language: str = "en") -> None:
        self.name = name
        self.hub = hub
        self._password = password
        self.web = httpx.Client(
            follow_redirects=True,
            timeout=60,
            trust_env=False,
            headers={"Accept": "text/html,*/*", "Accept-Language": language},
        )

    def close(self) -> None:
        """Forget everything."""
        self.web.close()

    def sign_in(self) -> httpx.Response:
        """Fill in the hub's sign-in form; the page that follows.

        Raises:
            PermissionError: if the hub did not take the password.
        """
        page = self.web.get(f"{self.hub}/hub/login")
        answer = self.submit(page, "/hub/login", {"username": self.name, "password": self._password})
        if urlsplit(str(answer.url)).path.endswith("/hub/login"):
            said = re.findall(r'role="alert">\s*(.*?)\s*</p>', answer.text, re.DOTALL)
            raise PermissionError(f"{self.name} could not sign in: {answer.status_code} {' '.join(said)}")
        return answer

    def get(self, url: str) -> httpx.Response:
        """Open a page."""
        return self.web.get(url)

    def submit(self, page: httpx.Response, action: str, fields: Mapping[str, str]) -> httpx.Response:
        """Send the form of `page` whose action has the path `action`, with its hidden fields and `fields`.

        Raises:
            NoSuchForm: if the page has none.
        """
        form = find_form(page, action)
        target = urljoin(str(page.url), form.action)
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(str(page.url)))
        return self.web.post(
            target,
            data={**form.fields, **fields},
            headers={"Origin": origin, "Referer": str(page.url), "Sec-Fetch-Site": "same-origin"},
        )

    def cookie(self, name: str, path: str) -> str | None:
        """The value of the cookie `name` that would be sent to `path`, the most specific one."""
        fitting = [one for one in self.web.cookies.jar if one.name == name and path.startswith(one.path)]
        return max(fitting, key=lambda one: len(one.path)).value if fitting else None

    def cookies_for(self, url: str) -> str:
        """The Cookie header for `url`."""
        request = self.web.build_request("GET", url)
        return request.headers.get("cookie", "")


def find_form(page: httpx.Response, action: str) -> Form:
    """The form of `page` that goes to the path `action`.

    Raises:
        NoSuchForm: if there is none.
    """
    parser = _Forms()
    parser.feed(page.text)
    for form in parser.forms:
        if urlsplit(urljoin(str(page.url), form.action)).path == action:
            return form
    raise NoSuchForm(f"no form to {action} on {page.url} (status {page.status_code})")
