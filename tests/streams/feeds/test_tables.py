"""CSV and its kin."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import REASONS
from agents.records import Comment
from streams.feeds import FeedError, Refused
from streams.feeds.feed import Item
from streams.feeds.tables import is_table, table_items

GERMAN = {"id": "nr", "text": "Kommentar", "created_at": "Wann", "author": "Name"}


def _items(raw: bytes, mapping=None, source=None, position=None) -> list[Item]:
    return list(table_items(io.BytesIO(raw), mapping, source, position or {}))


def test_a_table_with_quotes_breaks_and_another_delimiter_is_read():
    items = _items(Path("tests/data/feeds/comments.csv").read_bytes(), GERMAN, "umfrage")

    assert items[0].what == Comment(
        id="umfrage:1",
        text='Zu laut; zu teuer.\nUnd "grün"?',
        created_at="2024-05-02T09:15:00+02:00",
        author="Ada",
        source="umfrage",
    )
    assert items[1].what.created_at is None
    assert [(items[n].what.reason, items[n].what.where) for n in (2, 3)] == [
        ("no_text", "row 3"),
        ("wrong_type", "row 4"),
    ]


def test_reading_on_from_a_row_gives_the_rest():
    raw = Path("tests/data/feeds/comments.csv").read_bytes()

    items = _items(raw, GERMAN)

    assert _items(raw, GERMAN, position=items[1].position) == items[2:]


def test_a_table_without_the_columns_names_those_that_it_has():
    with pytest.raises(FeedError, match=r"has the columns a, b and lacks 'id' and 'text'; map others"):
        _items(b"a,b\n1,2\n")


def test_ids_can_be_made_where_no_column_has_them():
    items = _items(b"text\tauthor\nYes.\tada\nYes.\tbea\n", {"id": "@hash"})

    assert len({item.what.id for item in items}) == 2


def test_a_retraction_in_a_table_is_one():
    items = _items(b"id,text,deleted\na,,true\nb,B,false\n")

    assert [(item.what.id, item.what.deleted) for item in items] == [("a", True), ("b", False)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_table_is_read_as_it_was_saved(encoding):
    items = _items("id\ttext\na\t“Grün”\nb\tB\n".encode(encoding))

    assert [item.what.text for item in items] == ["“Grün”", "B"]


def test_a_table_that_is_not_utf8_is_told_of_once(caplog):
    _items(b"id,text\na,gr\xfcn\nb,gr\xfcn\n")

    assert [record.message for record in caplog.records] == ["not UTF-8, read as Windows-1252"]


def test_usual_names_are_recognised_in_any_case():
    (item,) = _items(b"Comment_ID;Body;Timestamp;User\n1;Yes.;1735722000;ada\n")

    assert item.what == Comment(id="1", text="Yes.", created_at="1735722000", author="ada")


def test_two_usual_names_for_one_field_are_not_guessed_between():
    with pytest.raises(FeedError, match="lacks 'text'"):
        _items(b"id,body,message\n1,Yes.,No.\n")


def test_a_guessed_time_that_cannot_be_read_is_left_alone():
    (item,) = _items(b"id,text,date\n1,Yes.,01.02.2025 10:00\n")

    assert item.what == Comment(id="1", text="Yes.")


def test_the_names_of_a_table_cannot_steer_the_terminal():
    with pytest.raises(FeedError) as caught:
        _items(b"a\x1b[31m,b\n")

    assert "\x1b" not in str(caught.value)


def test_a_quote_that_is_never_closed_is_refused_and_the_feed_goes_on():
    raw = b'id,text\na,"' + b"x\n" * csv.field_size_limit() + b"b,B\n"

    whats = [item.what for item in _items(raw)]

    assert whats[0].reason == "too_large"


def test_a_quote_that_the_end_of_the_table_closes_swallows_no_comment_in_silence():
    *read, last = _items(b'id,text\n1,"a\nb"\n2,"never closed\n3,lost\n4,lost\n')

    assert [item.what.text for item in read] == ["a\nb"]
    assert last.what.reason == "wrong_type"
    assert "the last 3 lines of the table are one cell" in last.what.message


def test_only_a_table_with_the_columns_is_recognised_as_one():
    assert is_table("id;text\n1;Yes")
    assert not is_table("Dear reader, hello, again")
    assert is_table("nr,body", {"id": "nr", "text": "body"})


@given(st.binary(max_size=300))
def test_any_rows_are_comments_nothing_or_refused(raw):
    for item in _items(b"id,text,deleted,created_at\n" + raw):
        if isinstance(item.what, Refused):
            assert item.what.reason in REASONS


@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_are_refused(raw):
    try:
        _items(raw)
    except FeedError:
        return


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), min_size=1), max_size=5
    )
)
def test_what_a_table_was_written_with_is_read(texts):
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(
        [("id", "text"), *((str(n), t) for n, t in enumerate(texts))]
    )

    items = _items(written.getvalue().encode())

    assert [item.what.text for item in items] == texts
