"""A stream of comments with edits, retractions, repeats and rubbish, the same for the same seed."""

from __future__ import annotations

import json
import random
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from streams.feeds.sample import SAMPLE

__all__ = ["comments"]

DISCUSSIONS: Final = 60
REMEMBERED: Final = 2000
"""Comments that an edit or a retraction can still hit."""

RUBBISH: Final = (b"\xff\xfe", b"not json", b'{"id": "no-text"}', b'{"id": "", "text": "no id"}', b"[1, 2]")


def comments(seed: int, step_seconds: float, hours_ago: float = 4.0) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values of ``comments`` without end.

    Six of seven are new; the rest are edits, retractions, unchanged repeats, a word again after a
    retraction, and records that can't be used.

    Parameters
    ----------
    seed
        Of the choice among them.
    step_seconds
        Event time from one to the next.
    hours_ago
        When the first one was written; event time stops at the clock.
    """
    choose = random.Random(seed)
    texts = [json.loads(line)["text"] for line in SAMPLE.read_text().splitlines()]
    at = time.time() - hours_ago * 3600
    recent: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)
    for number in range(1_000_000_000):
        at = min(at + step_seconds, time.time())
        dice = choose.random()
        if dice < 0.01:
            yield f"d{choose.randrange(DISCUSSIONS)}".encode(), choose.choice(RUBBISH)
            continue
        if dice < 0.14 and recent:
            said = _again(choose, recent, texts, dice)
        else:
            said = {
                "id": f"{seed}-{number}",
                "text": _text(choose, texts, number),
                "discussion": f"d{choose.randrange(DISCUSSIONS)}",
                "source": "torture",
                "author": f"author-{choose.randrange(500)}",
            }
            recent.append(said)
        yield said["discussion"].encode(), json.dumps({**said, "created_at": round(at, 3)}).encode()


def _again(
    choose: random.Random, recent: deque[dict[str, Any]], texts: list[str], dice: float
) -> dict[str, Any]:
    """Return an edit, a retraction, or the same once more."""
    said = choose.choice(recent)
    if dice < 0.06:
        said["text"] = _text(choose, texts, choose.randrange(1_000_000))
        return said
    if dice < 0.10:
        return {"id": said["id"], "discussion": said["discussion"], "deleted": True}
    return said


def _text(choose: random.Random, texts: list[str], number: int) -> str:
    return f"{choose.choice(texts)} {number}"
