"""How the page, its JSON views and its memory are set."""

from __future__ import annotations

from dataclasses import dataclass

from agents.bounds import check_bounds

__all__ = ["WebSettings"]


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where the page is served and how much of the past it keeps in memory."""

    is_enabled: bool = True
    """Whether a worker serves the page at all."""
    host: str = "127.0.0.1"
    """Address to listen on; whoever reaches it reads the comments, so it is this machine unless set."""
    port: int = 6066
    """Port to listen on; 0 takes any free one."""
    comments: int = 30_000
    """Newest comments kept for the lists, the filters and their graph; about 1 KB each."""
    judgements: int = 10_000
    """Newest judgements kept; about 0.5 KB each."""
    ticks: int = 2_880
    """Ticks kept: two days at a minute each. Beyond that the older half is thinned, never dropped."""
    events: int = 2_000
    """Lineage events, and alarms, kept for the ticker."""
    ended: int = 500
    """Merged and faded clusters kept beside the live ones."""
    behind_seconds: float = 60.0
    """From how many seconds behind the stream the page says so."""
    viewers: int = 200
    """Open live connections allowed at once; the next one is told to come back."""

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
        )
