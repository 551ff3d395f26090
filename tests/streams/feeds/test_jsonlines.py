"""JSON Lines, their mapping, and lines that can't be used."""

import gzip
import io
import json

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import REASONS, RejectedError
from agents.records import Comment, decode, encode
from streams.feeds import FeedError, Refused, parse_map, read_file
from streams.feeds.feed import Item
from streams.feeds.jsonlines import line_items, parse_line
from streams.feeds.lines import MAX_LINE_BYTES

ROWS = b'{"id": "a", "text": "One."}\n\n{"id": "b"}\n{"id": "c", "text": "Three."}\n'


def _items(raw: bytes, position=None) -> list[Item]:
    return list(line_items(io.BytesIO(raw), parse_line, position or {}))


def test_every_line_is_an_item_with_the_position_after_it():
    items = _items(ROWS)

    assert [getattr(item.what, "id", None) for item in items] == ["a", None, None, "c"]
    assert items[-1].position == {"line": 4, "offset": len(ROWS)}
    refused = items[2].what
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.where, refused.raw) == ("no_text", "line 3", b'{"id": "b"}')


@given(
    st.lists(st.sampled_from([b'{"id":"a","text":"t"}', b"", b"\xff", b"[]", b"{"]), max_size=8), st.data()
)
def test_reading_on_from_any_position_gives_the_rest(lines, data):
    raw = b"\n".join(lines)
    items = _items(raw)
    if not items:
        return
    at = data.draw(st.integers(0, len(items) - 1))

    rest = _items(raw, items[at].position)

    assert rest == items[at + 1 :]


def test_fields_are_mapped_from_other_names_and_nested_objects():
    row = b'{"name": "t1_x", "body": "B", "created_utc": 1422921600, "user": {"login": "ada"}}'
    mapping = parse_map("text=body,id=name,created_at=created_utc,author=user.login")

    comment = parse_line(row, mapping, source="forum")

    assert comment == Comment(id="forum:t1_x", text="B", created_at=1422921600, author="ada", source="forum")


def test_ids_get_the_source_of_the_feed_once():
    comment = parse_line(b'{"id": "x:1", "text": "t", "parent": 0, "discussion": "7"}', source="x")

    assert (comment.id, comment.parent, comment.discussion, comment.source) == ("x:1", "x:0", "x:7", "x")


def test_a_row_that_names_its_own_source_keeps_its_ids():
    comment = parse_line(b'{"id": "1", "text": "t", "discussion": "7", "source": "y"}', source="x")

    assert (comment.id, comment.discussion, comment.source) == ("1", "7", "y")


def test_a_retraction_needs_only_its_id():
    assert parse_line(b'{"id": "a", "deleted": true}') == Comment(id="a", deleted=True)


def test_an_id_can_be_made_of_the_content():
    first = parse_line(b'{"text": "t", "author": "a"}', {"id": "@hash"})
    same = parse_line(b'{"author": "a", "text": "t"}', {"id": "@hash"})
    other = parse_line(b'{"author": "b", "text": "t"}', {"id": "@hash"})

    assert first.id == same.id != other.id


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json", "not_json"),
        (b"[1]", "not_an_object"),
        (b'{"id": "a", "text": "\xff"}', "not_utf8"),
        (b'{"text": "t"}', "no_id"),
        (b'{"id": "", "text": "t"}', "no_id"),
        (b'{"id": "a"}', "no_text"),
        (b'{"id": "a", "text": 5}', "wrong_type"),
        (b'{"id": true, "text": "t"}', "wrong_type"),
        (b'{"id": "a", "text": "t", "author": {}}', "wrong_type"),
        (b'{"id": "a", "text": "t", "created_at": []}', "bad_time"),
        (b'{"id": "a", "text": "t", "created_at": 1e300}', "bad_time"),
        (b'{"id": "' + b"a" * 513 + b'", "text": "t"}', "wrong_type"),
        (b"[" * 100_000, "not_json"),
        (b'{"id": ' + b"1" * 5_000 + b"}", "not_json"),
    ],
)
def test_a_line_that_cannot_be_used_is_refused_with_its_reason(line, reason):
    with pytest.raises(RejectedError) as caught:
        parse_line(line)

    assert caught.value.reason == reason


def test_hostile_text_passes_as_data():
    text = "<script>alert(1)</script> \u202egnp.exe \x00\x07" + "w" * 10_000
    line = json.dumps({"id": "a", "text": text}).encode()

    assert parse_line(line).text == text


def test_half_an_emoji_becomes_a_replacement_character():
    assert parse_line(b'{"id": "a", "text": "so \\ud83d"}').text == "so \ufffd"


def test_control_codes_that_were_not_escaped_are_kept():
    assert parse_line(b'{"id": "a", "text": "bell \x07"}').text == "bell \x07"


def test_a_line_without_an_end_is_refused_without_being_held():
    raw = b'{"id": "a", "text": "' + b"x" * (MAX_LINE_BYTES + 1) + b'"}\n{"id": "b", "text": "t"}'

    items = _items(raw)

    assert items[0].what.reason == "too_large"
    assert items[1].what.id == "b"
    assert items[1].position == {"line": 2, "offset": len(raw)}


@given(st.binary(max_size=400))
def test_any_bytes_are_a_comment_nothing_or_refused(raw):
    for item in _items(raw):
        if isinstance(item.what, Refused):
            assert item.what.reason in REASONS


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from(["id", "text", "created_at", "parent", "deleted", "source"]), json_values)
)
def test_any_row_is_refused_or_a_comment_that_survives_the_wire(row):
    try:
        comment = parse_line(json.dumps(row).encode())
    except RejectedError as error:
        assert error.reason in REASONS
    else:
        assert decode(encode(comment), Comment) == comment


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_files_are_read_plain_and_compressed(tmp_path, ending):
    packed = {"": ROWS, ".gz": gzip.compress(ROWS), ".zst": zstandard.ZstdCompressor().compress(ROWS)}[ending]
    path = tmp_path / f"rows.jsonl{ending}"
    path.write_bytes(packed)
    refused: list[Refused] = []

    comments = list(read_file(path, refused=refused.append))

    assert [comment.id for comment in comments] == ["a", "c"]
    assert [each.where for each in refused] == ["line 3"]


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_a_file_that_was_cut_off_gives_what_it_has_and_says_so(tmp_path, ending):
    rows = b"".join(b'{"id": "%d", "text": "%d"}\n' % (n, n * n) for n in range(200_000))
    packed = gzip.compress(rows) if ending == ".gz" else zstandard.ZstdCompressor().compress(rows)
    path = tmp_path / f"rows.jsonl{ending}"
    path.write_bytes(packed[: len(packed) // 2])
    comments = read_file(path)

    with pytest.raises(FeedError, match="damaged after"):
        list(comments)


def test_only_so_many_comments_as_asked_for_are_given(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(ROWS)

    assert [comment.id for comment in read_file(path, limit=1)] == ["a"]


def test_a_file_that_is_missing_is_named():
    with pytest.raises(FeedError, match=r"nowhere\.jsonl can't be read: No such file"):
        list(read_file("nowhere.jsonl"))


@pytest.mark.parametrize("text", ["text", "text=", "words=body"])
def test_a_mapping_that_makes_no_sense_is_refused(text):
    with pytest.raises(FeedError, match="--map"):
        parse_map(text)
