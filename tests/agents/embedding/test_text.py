"""What is read as a comment, and the one reason why something isn't."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.agent import Message
from agents.embedding.settings import EmbeddingSettings
from agents.embedding.text import check, clean, event_time
from agents.errors import REASONS, InvalidError, RejectedError, SettingsError

NOON = datetime(2025, 3, 10, 12, tzinfo=UTC)
SETTINGS = EmbeddingSettings()


def message(value: object) -> Message:
    raw = value if isinstance(value, bytes | None) else json.dumps(value).encode()
    return Message(value=raw, timestamp=NOON.timestamp())


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "null"),
        (b"not json", "not_json"),
        (b"[1]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"\xff\xfe", "not_utf8"),
        ({"text": "no id"}, "no_id"),
        ({"id": "", "text": "empty id"}, "no_id"),
        ({"id": 7, "text": "a number"}, "wrong_type"),
        ({"id": "a", "text": ["list"]}, "wrong_type"),
        ({"id": "a", "text": "b", "deleted": "yes"}, "wrong_type"),
        ({"id": "a"}, "no_text"),
        ({"id": "a", "text": None}, "no_text"),
        ({"id": "a", "text": ""}, "empty_text"),
        ({"id": "a", "text": " \n\t\u200b\x00 "}, "empty_text"),
        ({"id": "a", "text": "b", "created_at": "yesterday"}, "bad_time"),
        ({"id": "a", "text": "b", "created_at": {}}, "bad_time"),
        ({"id": "a", "text": "b", "created_at": 1e300}, "bad_time"),
        ({"id": "a", "text": "b", "created_at": "2025-03-10T12:05:01Z"}, "future_time"),
        ({"id": "a", "text": "x" * 262_144}, "too_large"),
    ],
)
def test_what_cannot_be_used_is_rejected_with_its_reason(value: object, reason: str) -> None:
    with pytest.raises(RejectedError) as caught:
        check(message(value), SETTINGS)

    assert caught.value.reason == reason


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_read_or_rejected_and_nothing_else(value: bytes) -> None:
    try:
        checked = check(message(value), SETTINGS)
    except RejectedError as error:
        assert error.reason in REASONS
    else:
        assert checked.text or checked.comment.deleted


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda s: (
            st.lists(s) | st.dictionaries(st.sampled_from(["id", "text", "created_at", "deleted", "lang"]), s)
        ),
        max_leaves=8,
    )
)
def test_arbitrary_json_is_read_or_rejected_and_nothing_else(value: object) -> None:
    try:
        check(Message(value=json.dumps(value).encode(), timestamp=NOON.timestamp()), SETTINGS)
    except RejectedError as error:
        assert error.reason in REASONS


def test_a_retraction_needs_only_its_id() -> None:
    checked = check(message({"id": "a", "deleted": True}), SETTINGS)

    assert checked.comment.deleted
    assert checked.text == ""


def test_a_long_text_is_cut_and_marked() -> None:
    checked = check(message({"id": "a", "text": "word " * 5000}), SETTINGS)

    assert checked.truncated
    assert len(checked.text) == SETTINGS.max_characters


def test_times_are_read_in_every_form_that_people_send() -> None:
    forms: list[str | float] = [
        "2025-03-10T12:00:00Z",
        "2025-03-10T13:00:00+01:00",
        "2025-03-10 12:00:00",
        NOON.timestamp(),
        NOON.timestamp() * 1000,
        str(NOON.timestamp()),
    ]

    assert {event_time(form, NOON.timestamp(), 300) for form in forms} == {NOON}


def test_without_a_time_the_record_decides() -> None:
    assert event_time(None, NOON.timestamp(), 300) == NOON


def test_a_time_is_compared_with_its_record_and_never_with_now() -> None:
    long_ago = datetime(2001, 1, 1, tzinfo=UTC).timestamp()

    with pytest.raises(InvalidError, match="at most 300 s"):
        event_time("2001-01-01T00:06:00Z", long_ago, 300)


@given(st.text())
def test_cleaning_twice_is_cleaning_once_where_no_entity_is_left(text: str) -> None:
    once = clean(text.replace("&", ""))

    assert clean(once) == once


def test_cleaning_keeps_what_a_reader_sees() -> None:
    assert clean("naïve 👩‍👩‍👧 שלום\u202e") == "naïve 👩‍👩‍👧 שלום"


def test_a_setting_out_of_its_range_is_refused_with_the_remedy() -> None:
    with pytest.raises(SettingsError, match=r"embedding\.batch_size is 0; it must lie in 1 to 4096\. Set it"):
        EmbeddingSettings(batch_size=0)
