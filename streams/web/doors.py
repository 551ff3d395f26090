"""Who may ask: names that the page goes by, and pages of its own.

A page of another site can point a name of its own at this machine and then reads and posts as if it were
ours (DNS rebinding); the name that it asked for gives it away, as does the ``Origin`` that a browser adds.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from streams.web.settings import WebSettings

__all__ = ["foreign_name", "foreign_origin"]


def foreign_name(host: str | None, settings: WebSettings) -> str | None:
    """Say why the name that was asked for isn't ours; None where it is.

    Parameters
    ----------
    host
        The header ``Host``; None where there was none, which no browser leaves out.

    Examples
    --------
    >>> foreign_name("127.0.0.1:6066", WebSettings()), foreign_name("localhost", WebSettings())
    (None, None)
    """
    if host is None or _is_ours(_name(host), settings):
        return None
    plain = "" if _is_local(settings.host) else ", names without a dot"
    return (
        f"{host[:100]!r} is no name of this page; it goes by IP addresses, localhost{plain}"
        f"{_listed(settings)}. If it is reached by that name, add it to web.hosts."
    )


def foreign_origin(origin: str | None, host: str | None, settings: WebSettings) -> str | None:
    """Say why a browser's page may not ask; None where it may, or where no browser asks.

    Parameters
    ----------
    origin
        The header ``Origin``: where the page came from that asks.
    host
        The header ``Host``.

    Examples
    --------
    >>> foreign_origin("http://127.0.0.1:6066", "127.0.0.1:6066", WebSettings()) is None
    True
    """
    if origin is None:
        return None
    _, _, place = origin.partition("://")
    if place and place.lower() == (host or "").lower():
        return None
    if _is_named(_name(place), [each for each in settings.hosts if each != "*"]):
        return None
    return (
        f"the browser asks for a page of {origin[:100]!r}; only pages of this address may"
        f"{_listed(settings)}. Ask from a program instead, or add the name of that page to web.hosts."
    )


def _name(place: str) -> str:
    """Return the name in ``name:port`` in small letters; nothing where that is neither."""
    try:
        return (urlsplit(f"//{place}").hostname or "").rstrip(".")
    except ValueError:  # brackets around what is no address
        return ""


def _is_ours(name: str, settings: WebSettings) -> bool:
    is_plain = bool(name) and "." not in name and not _is_local(settings.host)
    return (
        is_plain
        or _is_address(name)
        or _is_local(name)
        or name == settings.host.lower()
        or _is_named(name, settings.hosts)
    )


def _is_named(name: str, known: Iterable[str]) -> bool:
    """Whether it is one of the names that ``web.hosts`` lists."""
    return bool(name) and any(
        each in ("*", name) or (each.startswith(".") and f".{name}".endswith(each))
        for each in map(str.lower, known)
    )


def _is_address(name: str) -> bool:
    """Whether it is an IP address: nobody can point one elsewhere."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_local(name: str) -> bool:
    if _is_address(name):
        return ipaddress.ip_address(name).is_loopback
    return name == "localhost" or name.endswith(".localhost")


def _listed(settings: WebSettings) -> str:
    return f" and web.hosts ({', '.join(settings.hosts)})" if settings.hosts else ""
