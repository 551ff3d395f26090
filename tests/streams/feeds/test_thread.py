"""Saved plain-text pages."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.feeds.feed import FeedError
from streams.feeds.files import decode_page
from streams.feeds.thread import is_thread, parse_thread

SEED = Path("../shared/data/seed_thread.txt")

PARAGRAPH = "The council wants to close the harbour road to cars and hear the citizens about it first. " * 3

PAGE = f"""Council wants harbour road closed to cars

4 comments
  1. {PARAGRAPH}

    The council votes in May.

    Citizens are heard on Tuesday.

  2. About time.

  3. Where do the vans go?
    Nobody says.

    I ask every year.

  4. 1. buses
    2. trams

Leave a Reply
Your email address will not be published.
"""


def test_the_seed_page_has_eleven_comments_under_its_article():
    if not SEED.exists():
        pytest.skip(f"{SEED} is absent")

    page = parse_thread(SEED.read_text())

    assert page.claimed == 25
    assert (
        page.title
        == "Macron floats EU security pact with Russia in split from US calls for \u2018unity\u2019"
    )
    assert page.article is not None
    assert page.article.text.startswith("French president Emmanuel Macron has called")
    assert page.article.text.endswith("were ruled out.")
    assert len(page.comments) == 11
    assert page.comments[0].text.startswith("Macron lay off the shrooms")
    assert page.comments[-1].text.endswith("the first to lose her liberty")
    assert page.comments[1].text.count("\n\n") == 1
    assert {comment.created_at for comment in page.comments} == {None}


def test_the_first_entry_is_marked_as_the_article_and_is_no_comment():
    page = parse_thread(PAGE)

    assert page.article is not None
    assert page.article.text.startswith("The council wants")
    assert [comment.text for comment in page.comments] == [
        "About time.",
        "Where do the vans go?\nNobody says.\n\nI ask every year.",
        "1. buses\n2. trams",
    ]


def test_whether_the_first_entry_is_the_article_can_be_said():
    page = parse_thread(PAGE, article=False)

    assert page.article is None
    assert len(page.comments) == 4


def test_a_short_first_comment_is_a_comment():
    page = parse_thread("Harbour road\n\n2 comments\n1. Harbour road, at last.\n2. Agreed.\nLeave a Reply")

    assert page.article is None
    assert [comment.text for comment in page.comments] == ["Harbour road, at last.", "Agreed."]


def test_all_comments_share_the_page_as_their_discussion():
    page = parse_thread(PAGE)

    assert {comment.discussion for comment in page.comments} == {page.article.discussion}
    assert {comment.discussion_title for comment in page.comments} == {
        "Council wants harbour road closed to cars"
    }
    assert all(comment.id.startswith("page:") for comment in page.comments)


def test_a_page_saved_again_in_another_order_gives_the_same_ids():
    first = parse_thread("T\n\n3 comments\n1. One.\n2. Two.\n3. One.\nLeave a Reply")
    again = parse_thread("T\n\n3 comments\n1. Two.\n2. One.\n3. One.\nLeave a Reply")

    assert {comment.id for comment in first.comments} == {comment.id for comment in again.comments}
    assert len({comment.id for comment in first.comments}) == 3


def test_authors_and_dates_of_a_blog_are_read_and_its_buttons_left_out():
    page = parse_thread(
        "2 thoughts on “Trams”\n\n"
        "1. Ada says:\n   January 20, 2022 at 3:15 pm\n\n   More trams.\n\n   Reply\n"
        "2. Bob says:\n   that trams are loud\n\nLeave a Reply"
    )

    assert page.title == "Trams"
    assert page.comments[0].author == "Ada"
    assert page.comments[0].created_at == "2022-01-20T15:15:00+00:00"
    assert page.comments[0].text == "More trams."


def test_the_form_ends_the_page_and_the_words_within_a_comment_do_not():
    page = parse_thread(
        "T\n\n2 comments\n  1. A.\n  2. They wrote:\n\n    Leave a Reply\n\nLeave a Reply\nName"
    )

    assert page.comments[-1].text == "They wrote:\n\nLeave a Reply"


def test_a_text_without_numbered_comments_is_refused():
    with pytest.raises(FeedError, match="no numbered comments"):
        parse_thread("Dear reader,\n\n1. is a number.")


@given(st.binary(max_size=600))
def test_any_bytes_are_a_page_or_are_refused(raw):
    _parse(decode_page(raw))


@given(st.text(max_size=300), st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=5))
def test_any_words_in_a_page_are_a_page_or_are_refused(title, texts):
    entries = "\n".join(f"  {number}. {text}" for number, text in enumerate(texts, 1))
    _parse(f"{title}\n\n{len(texts)} comments\n{entries}\n\nLeave a Reply")


def _parse(text):
    if is_thread(text):
        page = parse_thread(text)
        assert len({comment.id for comment in page.comments}) == len(page.comments)
    else:
        with pytest.raises(FeedError):
            parse_thread(text)
