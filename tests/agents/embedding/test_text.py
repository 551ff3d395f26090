"""What is read as a comment, and the one reason why something isn't."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from time import perf_counter

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
        ({"id": "a" * 513, "text": "b"}, "too_large"),
        ({"id": "a", "text": "b", "discussion": "d" * 513}, "too_large"),
        ({"id": "a", "text": "b", "source": "s" * 200_000}, "too_large"),
    ],
)
def test_what_cannot_be_used_is_rejected_with_its_reason(value: object, reason: str) -> None:
    with pytest.raises(RejectedError) as caught:
        check(message(value), SETTINGS)

    assert caught.value.reason == reason


def test_a_name_that_is_too_long_is_told_with_its_length_and_the_bound() -> None:
    with pytest.raises(
        RejectedError, match=r"^source has 600 characters; at most 512 are taken\. Shorten it\.$"
    ):
        check(message({"id": "a", "text": "b", "source": "s" * 600}), SETTINGS)


def test_a_title_is_cleaned_and_cut() -> None:
    title = "<b>Who</b>\n pays\u200b?" + " x" * 500

    cut = check(
        message({"id": "a", "text": "b", "discussion_title": title}), SETTINGS
    ).comment.discussion_title

    assert cut is not None
    assert cut.startswith("Who pays? x x")
    assert len(cut) == 300


def test_eight_digits_are_a_day() -> None:
    checked = check(message({"id": "a", "text": "b", "created_at": "20250309"}), SETTINGS)

    assert checked.event_time.isoformat() == "2025-03-09T00:00:00+00:00"


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


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (
            "<p>Library should stay open on weekends.</p><p>Really.</p>",
            "Library should stay open on weekends.\n\nReally.",
        ),
        ('<a href="http://x">link</a> <strong>no</strong>', "link no"),
        ("One.<p>Two<br/>three<BR>four", "One.\nTwo\nthree\nfour"),
        ("<div class=\"a\"\n id=b><SPAN title='1 > 0'>No</span>.</DIV>", "No."),
        ("<ul>\r\n<li>one</li>\r\n<li>two</li>\r\n</ul>", "one\n\ntwo"),
        ("be<!-- a < b -->fore<script src=x>if (a<b) {}</script><style>p{}</style>.", "before."),
        ('<iframe src="x" allowfullscreen></iframe>See <img src="y"/>this', "See this"),
    ],
)
def test_markup_goes_and_blocks_leave_line_ends(text: str, seen: str) -> None:
    assert clean(text) == seen


@pytest.mark.parametrize(
    "text",
    [
        "I <3 trams <-- this",
        "a < b and c > d, a<b and b>c, a<b>c",
        "List<String> and Map<Label, Button> and Set<Label>",
        "x<y>z",
        "<sarcasm>Sure.</sarcasm> </rant>",
        "The <b> tag and the </i> tag",
        "`<b>bold</b>` and `[a](http://b)`",
        "```\n<p>One.</p>\n```",
        "<script>alert(1)",
        "mail <ann@example.org> or <https://example.org>",
    ],
)
def test_what_only_looks_like_markup_stays(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("See [the plan](http://x.example/a_(b)?c=d).", "See the plan."),
        ('![a map](https://x.example "Map") [mail](HTTPS://x)', "a map mail"),
        ('[<b>bold</b>](http://x) <a href="http://x">[1](http://y)</a>', "bold 1"),
        ("array[0](x) [text](address) [](http://x)", "array[0](x) [text](address) [](http://x)"),
    ],
)
def test_a_link_in_markdown_leaves_its_words(text: str, seen: str) -> None:
    assert clean(text) == seen


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("> The tram is too dear.\n> Far too dear.\n\nNot for me.", "Not for me."),
        ("&gt; The tram is too dear.\r\n\r\nNot for me.", "Not for me."),
        (">> Dear?\n> Very.\nNot for me.", "Not for me."),
        ("True.\n\n> the tram\n\nand\n\n> the bus\n\nboth.", "True.\n\nand\n\nboth."),
        ("On Mon, 3 Mar 2025, Ann wrote:\n> Too dear.\n\nNot for me.", "Not for me."),
        ("<blockquote><p>Too</p><p>dear.</p></blockquote><p>Not for me.</p>", "Not for me."),
        ("<blockquote>a<blockquote>b</blockquote>c</blockquote>Not for me.", "Not for me."),
    ],
)
def test_a_quote_is_not_the_comments_own_words(text: str, own: str) -> None:
    assert clean(text) == own


@pytest.mark.parametrize(
    "text",
    [
        "> The tram is too dear.",
        "Ann wrote:\n> Too dear.",
        "```\n> git log\n```\nshows it",
        ">:( not again\n>_< really",
        ">!the tram wins!<",
        "a -> b\n=> c",
    ],
)
def test_what_is_only_a_quote_or_none_stays(text: str) -> None:
    assert clean(text) == text


def test_a_block_quote_alone_is_kept_as_one() -> None:
    assert clean("<blockquote>Too dear.</blockquote>") == "> Too dear."


def test_half_a_block_quote_quotes_nothing() -> None:
    assert clean("<blockquote>a</blockquote>b<blockquote>c") == "b\nc"


def test_tags_written_with_entities_are_what_a_comment_talks_about() -> None:
    assert clean("<p>Use &lt;p&gt;, not &lt;b&gt;bold&lt;/b&gt;.</p>") == "Use <p>, not <b>bold</b>."


def test_a_text_of_markup_alone_is_empty() -> None:
    with pytest.raises(RejectedError, match="controls or markup"):
        check(message({"id": "a", "text": "<p><br></p>"}), SETTINGS)


@pytest.mark.parametrize(
    "part",
    [
        "<",
        "<a ",
        '<a x="',
        "<a x='<a x=\"",
        "<p>",
        "<!--",
        "<script>",
        "<script><style>",
        "[a](http://",
        "`<",
        "``` <",
        "<blockquote>",
        "<blockquote></blockquote",
        "\n> ",
    ],
)
def test_20_000_hostile_pieces_of_markup_take_no_quadratic_time(part: str) -> None:
    text = part * 20_000 + "]("
    started = perf_counter()

    clean(text)

    assert perf_counter() - started < 3.0


def test_a_setting_out_of_its_range_is_refused_with_the_remedy() -> None:
    with pytest.raises(SettingsError, match=r"embedding\.batch_size is 0; it must lie in 1 to 4096\. Set it"):
        EmbeddingSettings(batch_size=0)
