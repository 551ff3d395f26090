"""Standard input, through a real pipe."""

import os
from contextlib import aclosing
from pathlib import Path

import pytest

from agents.records import Comment
from streams.feeds import FeedError, Options
from streams.feeds.stdin import StandardInput

PAGE = Path("tests/data/feeds/hackernews_item.html").read_bytes()


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb"), os.fdopen(writing, "wb", buffering=0) as end:
        yield reading, end


async def _whats(descriptor, options=None):
    return [item.what async for item in StandardInput(options or Options(), descriptor).read({})]


async def test_lines_are_given_as_they_are_written(pipe):
    descriptor, end = pipe
    end.write(b'{"id": "a", "text": "One."}\n{"id": "b", ')

    async with aclosing(StandardInput(Options(), descriptor).read({})) as items:
        first = await anext(items)
        end.write(b'"text": "Two."}\n')
        second = await anext(items)
        end.close()

    assert [first.what.text, second.what.text] == ["One.", "Two."]
    assert second.position == {"line": 2}


async def test_a_last_line_without_an_end_is_one(pipe):
    descriptor, end = pipe
    end.write(b'{"id": "a", "text": "One."}')
    end.close()

    assert await _whats(descriptor) == [Comment(id="a", text="One.")]


async def test_lines_that_are_none_are_refused_with_their_number(pipe):
    descriptor, end = pipe
    end.write(b'{"id": "a", "text": "One."}\nnonsense\n')
    end.close()

    assert (await _whats(descriptor))[1].where == "line 2"


async def test_a_page_is_read_as_a_whole(pipe):
    descriptor, end = pipe
    end.write(PAGE)
    end.close()

    assert len(await _whats(descriptor)) == 5


async def test_nothing_at_all_gives_nothing(pipe):
    descriptor, end = pipe
    end.close()

    assert await _whats(descriptor) == []


async def test_what_is_of_no_known_format_is_refused(pipe):
    descriptor, end = pipe
    end.write(b"Once upon a time\n")
    end.close()

    with pytest.raises(FeedError, match="standard input is of no format"):
        await _whats(descriptor)
