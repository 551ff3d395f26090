"""Which names the page goes by, and which pages may ask."""

from __future__ import annotations

import pytest

from agents.errors import SettingsError
from streams.web.doors import foreign_name, foreign_origin
from streams.web.settings import WebSettings

LOCAL = WebSettings()
OPEN = WebSettings(host="0.0.0.0")
NAMED = WebSettings(host="0.0.0.0", hosts=("page.example.org", ".inner.example"))


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        *[
            (LOCAL, host)
            for host in ("localhost", "LOCALHOST:6066", "a.localhost", "127.0.0.1:6066", "[::1]:6")
        ],
        (LOCAL, "10.0.0.7:6066"),
        (LOCAL, None),
        (OPEN, "worker:6066"),
        (WebSettings(host="Box.example"), "box.example:6066"),
        *[
            (NAMED, host)
            for host in ("page.example.org", "Page.Example.org.", "inner.example", "a.inner.example")
        ],
        (WebSettings(hosts=("*",)), "anything.example"),
    ],
)
def test_its_own_names_are_answered(settings: WebSettings, host: str | None) -> None:
    assert foreign_name(host, settings) is None


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        *[(LOCAL, host) for host in ("evil.example", "evil.example:6066", "worker", "", "[", "notlocalhost")],
        (LOCAL, "localhost.evil.example"),
        (LOCAL, "127.0.0.1.evil.example"),
        (OPEN, "evil.example"),
        (NAMED, "other.example.org"),
        (NAMED, "notinner.example"),
    ],
)
def test_a_name_that_another_site_may_have_pointed_here_is_refused(settings: WebSettings, host: str) -> None:
    why = foreign_name(host, settings)

    assert why is not None
    assert repr(host) in why
    assert "add it to web.hosts" in why


@pytest.mark.parametrize(
    ("settings", "origin", "host"),
    [
        (LOCAL, None, "localhost"),
        (LOCAL, "http://localhost:6066", "localhost:6066"),
        (NAMED, "https://page.example.org", "worker:6066"),
    ],
)
def test_a_page_of_its_own_may_ask(settings: WebSettings, origin: str | None, host: str) -> None:
    assert foreign_origin(origin, host, settings) is None


@pytest.mark.parametrize(
    ("settings", "origin"),
    [
        *[
            (LOCAL, origin)
            for origin in ("https://evil.example", "null", "", "http://127.0.0.1:8000", "http://[")
        ],
        (NAMED, "https://evil.example"),
        (WebSettings(hosts=("*",)), "https://evil.example"),
    ],
)
def test_a_page_of_another_site_may_not_ask(settings: WebSettings, origin: str) -> None:
    why = foreign_origin(origin, "127.0.0.1:6066", settings)

    assert why is not None
    assert repr(origin) in why
    assert "web.hosts" in why


@pytest.mark.parametrize("name", ["https://page.example.org", "page.example.org:80", "", "a..b", "*.example"])
def test_what_is_no_name_is_refused_in_words(name: str) -> None:
    with pytest.raises(SettingsError, match=r"web\.hosts has .* e\.g\. page\.example\.org"):
        WebSettings(hosts=(name,))
