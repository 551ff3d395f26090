"""Dumps of Reddit."""

from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import REASONS, RejectedError
from streams.feeds import read_file
from streams.feeds.reddit import RedditLines

DUMP = Path("tests/data/feeds/reddit_comments.jsonl")


def test_a_dump_is_recognised_and_read():
    comments = list(read_file(DUMP))

    assert [(c.id, c.parent, c.deleted) for c in comments] == [
        ("reddit:t1_co8f001", None, False),
        ("reddit:t1_co8f002", "reddit:t1_co8f001", False),
        ("reddit:t1_co8f003", "reddit:t1_co8f002", True),
        ("reddit:t1_co8f004", None, False),
        ("reddit:t1_co8f005", None, True),
    ]
    assert {c.discussion for c in comments} == {"reddit:t3_2ucity"}
    assert {c.source for c in comments} == {"reddit"}
    assert comments[0].created_at == 1422748800
    assert comments[1].url == "https://www.reddit.com/r/transit/comments/2ucity/trams/co8f002/"


def test_who_left_has_no_name_and_what_was_deleted_no_text():
    comments = list(read_file(DUMP))

    assert comments[3].author is None
    assert comments[3].text == "I left, this stays."
    assert comments[2].text is None


def test_a_compressed_dump_of_a_long_window_is_streamed(tmp_path):
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27, enable_ldm=True)
    path = tmp_path / "RC_2015-02.zst"
    path.write_bytes(
        zstandard.ZstdCompressor(compression_params=parameters).compress(DUMP.read_bytes() * 200)
    )

    assert sum(1 for _ in read_file(path)) == 1000


def test_a_submission_that_came_before_names_the_discussion():
    parse = RedditLines()

    nothing = parse(b'{"id": "2ucity", "title": "Do trams pay?", "selftext": "", "subreddit": "transit"}')
    comment = parse(DUMP.read_bytes().splitlines()[0])

    assert nothing is None
    assert comment.discussion_title == "Do trams pay?"


def test_a_row_without_an_id_is_refused():
    with pytest.raises(RejectedError) as caught:
        RedditLines()(b'{"body": "b", "subreddit": "s"}')

    assert caught.value.reason == "no_id"


values = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=1)


@given(st.dictionaries(st.sampled_from(["id", "body", "title", "author", "link_id", "created_utc"]), values))
def test_any_row_is_a_comment_nothing_or_refused(row):
    import json

    try:
        RedditLines()(json.dumps(row).encode())
    except RejectedError as error:
        assert error.reason in REASONS


@given(st.binary(max_size=200))
def test_any_bytes_are_nothing_or_refused(raw):
    try:
        RedditLines()(raw)
    except RejectedError as error:
        assert error.reason in REASONS
