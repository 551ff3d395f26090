"""How the page, its JSON views and its memory are set."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from agents.bounds import check_bounds
from agents.errors import SettingsError

__all__ = ["WebSettings"]

NAME: Final = re.compile(r"\*|\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where the page is served and how much of the past it keeps in memory."""

    host: str = "127.0.0.1"
    """Address to listen on; whoever reaches it reads the comments, so it is this machine unless set."""
    hosts: tuple[str, ...] = ()
    """Names that the page is reached by, e.g. that of a proxy: `page.example.org`, `.example.org` with all
    below it, `*` any. IP addresses, `localhost` and `web.host` always are, and names without a dot where
    `web.host` isn't this machine alone; other names are refused, as a page of another site could have
    pointed them here."""
    port: int = 6066
    """Port to listen on; 0 takes any free one."""
    comments: int = 30_000
    """Newest comments kept for the lists, the filters and their graph; about 1 KB each."""
    judgements: int = 10_000
    """Newest judgements kept; about 0.5 KB each."""
    ticks: int = 2_880
    """Newest places of `pulse` kept whole: a day at a minute each, as a tick takes two of them on Kafka. Of
    all that is older half as many are kept, evenly."""
    events: int = 2_000
    """Lineage events, and alarms, kept for the ticker."""
    ended: int = 500
    """Merged and faded clusters kept beside the live ones."""
    behind_seconds: float = 60.0
    """From how many seconds behind the stream the page says so."""
    viewers: int = 200
    """Open live connections allowed at once; the next one is told to come back."""
    connections: int = 800
    """Open connections at once, live ones among them; the next one is told to come back. A process may
    commonly open 1,024 files."""

    def __post_init__(self) -> None:
        """Check every bound."""
        check_bounds(
            "web",
            self,
            port=(0, 65_535),
            comments=(2, 10_000_000),
            judgements=(2, 10_000_000),
            ticks=(2, 1_000_000),
            events=(2, 1_000_000),
            ended=(2, 1_000_000),
            behind_seconds=(1, 86_400),
            viewers=(2, 100_000),
            connections=(2, 100_000),
        )
        wrong = [name for name in self.hosts if not NAME.fullmatch(name)]
        if wrong:
            raise SettingsError(
                f"web.hosts has {wrong[0]!r}; a name is letters, digits, hyphens and dots, without port or "
                "scheme, e.g. page.example.org, or .example.org with all below it, or * for any."
            )
