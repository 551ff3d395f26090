"""What a file of comments is called."""

from __future__ import annotations

from collections import Counter

import pytest

from agents.records import Comment
from streams.feeds import FeedError
from streams.settings import Settings
from streams.story import Discussion, tell
from streams.web.view import View


def test_one_discussion_is_called_by_its_title() -> None:
    told = Discussion([Comment(id=each, text="Yes.", discussion_title="Trams") for each in "ab"])
    assert told.title == "Trams"


def test_many_discussions_are_counted_and_the_busiest_named() -> None:
    titles = ["Trams", "Rents", "Rents", None]
    told = Discussion([Comment(id=f"{i}", text="Yes.", discussion_title=t) for i, t in enumerate(titles)])
    assert told.title == "2 discussions, the busiest: Rents"


def test_comments_without_a_title_are_a_discussion() -> None:
    assert Discussion([Comment(id="a", text="Yes.")]).title == "The discussion"


def test_a_discussion_that_was_all_rejected_has_no_story() -> None:
    read = Discussion([Comment(id="a", text="Yes.", created_at="soon")], name="one.csv")

    with pytest.raises(FeedError, match=r"one\.csv has no comment that can be used: 1 rejected: 1 bad_time"):
        tell(View(), read, Settings(), Counter(bad_time=1), 1.0)
