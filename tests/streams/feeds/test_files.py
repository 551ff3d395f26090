"""Telling formats apart, and every format through the one door."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.feeds import SAMPLE, FeedError, Options, read_file
from streams.feeds.files import FileFeed, decode_page, detect, file_items

DATA = Path("tests/data/feeds")


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b'{"id": "a", "text": "t"}\n', "jsonlines"),
        (b'\xef\xbb\xbf{"id": "a"}\n', "jsonlines"),
        (b"{broken\n", "jsonlines"),
        (b'{"id": "a", "body": "b", "subreddit": "s"}\n', "reddit"),
        (b"<!DOCTYPE html>\n<html>", "html"),
        (b"<!-- saved from url=(0028) -->\n<html>", "html"),
        (b"Title\n\n2 comments\n1. A\n2. B\n", "thread"),
        (b"[Solved] Title\n\n2 comments\n1. A\n2. B\n", "thread"),
        (b"id,text\n1,A\n", "table"),
    ],
)
def test_the_format_is_told_from_the_first_bytes(head, kind):
    assert detect(head, "file") == kind


def test_with_a_mapping_a_dump_is_plain_lines():
    assert detect(b'{"id": "a", "body": "b", "subreddit": "s"}', "f", {"text": "body"}) == "jsonlines"


def test_an_array_says_how_to_make_lines_of_it():
    with pytest.raises(FeedError, match=r"jq -c '\.\[\]'"):
        detect(b'[\n {"id": "a"}]', "comments.json")


def test_an_unknown_format_names_those_that_are_known():
    with pytest.raises(FeedError, match=r"--format jsonlines\|table\|thread\|html\|reddit"):
        detect(b"Once upon a time", "tale.txt")


@given(st.binary(max_size=300))
def test_any_bytes_are_of_a_format_or_of_none(raw):
    try:
        detect(raw, "file")
    except FeedError:
        return


@pytest.mark.parametrize("name", ["wordpress.html", "hackernews_item.html", "reddit_comments.jsonl"])
async def test_a_file_is_read_on_from_every_position(name):
    items = list(file_items(DATA / name, Options(), {}))
    feed = FileFeed(DATA / name, Options())

    for number, item in enumerate(items, 1):
        assert [each async for each in feed.read(item.position)] == items[number:]


def test_a_page_is_read_compressed_too(tmp_path):
    path = tmp_path / "page.html.gz"
    path.write_bytes(gzip.compress((DATA / "wordpress.html").read_bytes()))

    assert len(list(read_file(path))) == 4


def test_a_page_in_an_old_encoding_is_read():
    assert decode_page("“Schön”, sagt sie.".encode("cp1252")) == "“Schön”, sagt sie."


def test_a_position_that_makes_no_sense_is_refused():
    with pytest.raises(FeedError, match="--from-start"):
        list(file_items(DATA / "reddit_comments.jsonl", Options(), {"line": "many"}))


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(FeedError, match="can't be read"):
        list(read_file(tmp_path))


def test_the_sample_is_read_with_the_ids_of_its_truth():
    if not SAMPLE.exists():
        pytest.skip("the sample isn't written yet")

    comments = list(read_file(SAMPLE))

    assert comments
    assert not any(comment.id.startswith("sample:") for comment in comments)


def test_a_file_stays_the_same_when_lines_are_appended(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": "a", "text": "A"}\n')
    name = FileFeed(path, Options()).name

    with path.open("a") as file:
        file.write('{"id": "b", "text": "B"}\n')

    assert FileFeed(path, Options()).name == name
    path.write_text('{"id": "z", "text": "Z"}\n')
    assert FileFeed(path, Options()).name != name


@pytest.mark.parametrize("magic", [b"\x1f\x8b", b"\x28\xb5\x2f\xfd"])
@given(raw=st.binary(max_size=100))
def test_any_bytes_that_claim_to_be_compressed_are_refused(tmp_path_factory, magic, raw):
    path = tmp_path_factory.mktemp("packed") / "file"
    path.write_bytes(magic + raw)

    with pytest.raises(FeedError):
        list(read_file(path))


@pytest.mark.parametrize(("raw", "said"), [(b"", "is empty"), (b"\x89PNG\r\n\x00\x00", "isn't text")])
def test_a_file_without_text_is_called_so(raw, said):
    with pytest.raises(FeedError, match=said):
        detect(raw, "comments.csv")


def test_lines_in_utf16_are_read_on_from_every_position(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes('{"id": "a", "text": "Grün."}\n{"id": "b", "text": "Gelb."}\n'.encode("utf-16"))

    items = list(file_items(path, Options(), {}))

    assert [item.what.text for item in items] == ["Grün.", "Gelb."]
    assert list(file_items(path, Options(), items[0].position)) == items[1:]
