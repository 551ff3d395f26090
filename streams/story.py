"""From a file to what is told of it: reading a discussion, and its story from a view of the public topics."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.records import Comment
from streams.drift_line import drift_line
from streams.feeds.feed import Article, FeedError, Refused
from streams.feeds.files import Options, file_items
from streams.feeds.sample import SAMPLE
from streams.settings import Settings
from streams.stance_lines import stance_lines
from streams.summary import Story, by_reason
from streams.web.view import View

__all__ = ["Discussion", "own_targets", "read_discussion", "tell"]


@dataclass(slots=True)
class Discussion:
    """What a file held."""

    comments: list[Comment] = field(default_factory=list)
    article: Article | None = None
    refused: Counter[str] = field(default_factory=Counter)
    name: str = "the file"

    @property
    def title(self) -> str:
        """What the discussion is called, or how many there are."""
        if self.article and self.article.title:
            return self.article.title
        titles = Counter(comment.discussion_title for comment in self.comments if comment.discussion_title)
        if not titles:
            return "The discussion"
        busiest = titles.most_common(1)[0][0]
        return busiest if len(titles) == 1 else f"{len(titles):,} discussions, the busiest: {busiest}"


def read_discussion(path: Path, limit: int | None = None, options: Options | None = None) -> Discussion:
    """Read a thread page or a file of comments, at most ``limit`` of them.

    Raises
    ------
    FeedError
        If it is of no format that is known, or holds no comment that can be used.
    """
    discussion = Discussion(name=path.name)
    for item in file_items(path, options or Options(), {}):
        if isinstance(item.what, Comment):
            discussion.comments.append(item.what)
        elif isinstance(item.what, Article):
            discussion.article = item.what
        elif isinstance(item.what, Refused):
            discussion.refused[item.what.reason] += 1
        if len(discussion.comments) == limit:
            break
    if all(comment.deleted for comment in discussion.comments):
        raise _unusable(discussion, discussion.refused)
    return discussion


def own_targets(path: Path, discussion: Discussion) -> dict[str, Any]:
    """Return the settings of the targets written for the sample, or of the title of a page."""
    if path == SAMPLE:
        return {"stance": tomllib.loads(SAMPLE.with_name("targets.toml").read_text("utf-8"))}
    if discussion.article is not None and discussion.article.title:
        return {"stance": {"targets": [discussion.article.title]}}
    return {}


def tell(
    view: View,
    discussion: Discussion,
    settings: Settings,
    rejected: Counter[str],
    seconds: float,
    links: Sequence[tuple[str, str]] = (),
) -> Story:
    """Return the story of a discussion as the public topics tell it.

    Raises
    ------
    FeedError
        If all of it was rejected.
    """
    rejected = rejected + discussion.refused
    if rejected and not view.pulses:
        raise _unusable(discussion, rejected)
    targets = {target.id: target.title for target in settings.stance.judged}
    return Story(
        title=discussion.title,
        article=discussion.article.title if discussion.article else None,
        clusters=view.live(),
        pulses=view.pulses,
        lineage=list(view.lineage.values()),
        rejected=rejected,
        seconds=seconds,
        extras=(
            stance_lines(targets, view.pulses, view.live(), view.judgements.values(), view.of_targets),
            drift_line(view.pulses, view.alarms.values(), targets, view.of_targets),
        ),
        links=links,
    )


def _unusable(discussion: Discussion, rejected: Counter[str]) -> FeedError:
    return FeedError(
        f"{discussion.name} has no comment that can be used: {by_reason(rejected)}. "
        "Mend it, or say what its fields are called: --map text=FIELD,id=FIELD."
    )
