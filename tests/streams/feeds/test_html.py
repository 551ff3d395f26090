"""HTML pages: comment lists of blogs, microdata, old Reddit, Hacker News."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.feeds.feed import FeedError
from streams.feeds.files import decode_page
from streams.feeds.html import parse_html
from streams.feeds.markup import MAX_DEPTH, fragment_text

DATA = Path("tests/data/feeds")


def _page(name):
    return parse_html((DATA / name).read_text())


def test_a_wordpress_list_gives_its_comments_with_their_replies():
    page = _page("wordpress.html")

    assert page.title == "Should the harbour road be closed to cars?"
    assert page.claimed == 5
    assert page.article.text == "The council votes in May.\n\nCitizens are heard on Tuesday."
    assert [(c.id, c.parent) for c in page.comments] == [
        ("courier.example:1201", None),
        ("courier.example:1203", "courier.example:1201"),
        ("courier.example:1210", "courier.example:1203"),
        ("courier.example:1207", None),
    ]
    assert [c.author for c in page.comments] == ["Ada & Sons", "Bea", "Ada & Sons", "Cem"]


def test_paragraphs_breaks_and_lists_stay_apart_in_the_text():
    page = _page("wordpress.html")

    assert page.comments[0].text == "Deliveries take twice as long\non market days.\n\nWho pays for that?"
    assert page.comments[3].text.splitlines()[0] == "Three reasons:"
    assert page.comments[3].text.splitlines()[-1] == "children"


def test_times_are_taken_where_the_page_has_them_and_never_made_up():
    page = _page("wordpress.html")

    assert page.comments[0].created_at == "2024-05-02T09:15:00+02:00"
    assert page.comments[2].created_at is None


def test_escaped_markup_is_text_and_scripts_are_none():
    text = _page("wordpress.html").comments[2].text

    assert text == "<script>alert(1)</script> \u202efdp.exe"


def test_an_older_theme_is_read_by_its_paragraphs():
    page = _page("wordpress_classic.html")

    first, reply = page.comments
    assert (first.text, first.author) == ("Nurses finish at two.\n\nNobody asks us.", "Dora")
    assert first.created_at == "2022-01-20T15:15:00+00:00"
    assert (reply.text, reply.author, reply.parent) == ("Bakers start at two.", "Emil", first.id)
    assert page.claimed == 2


def test_pages_without_an_address_share_no_ids():
    here = parse_html('<title>A</title><ol class="commentlist"><li id="comment-1"><p>Yes.</p></li></ol>')
    there = parse_html('<title>B</title><ol class="commentlist"><li id="comment-1"><p>Yes.</p></li></ol>')

    assert here.comments[0].id != there.comments[0].id


def test_comments_marked_as_microdata_are_read():
    first, reply, other = _page("microdata.html").comments

    assert (first.author, first.created_at, first.text) == (
        "Fay",
        "2023-11-05T18:30:00Z",
        "Ours runs since 2019.",
    )
    assert reply.parent == first.id
    assert other.parent is None
    assert len({first.id, reply.id, other.id}) == 3


def test_a_hacker_news_page_gives_the_tree_that_its_indents_say():
    page = _page("hackernews_item.html")

    assert page.title == "Show HN: A map of night trains"
    assert page.article.text == "I missed one too many.\n\nSo I drew them all."
    assert [(c.id, c.parent) for c in page.comments] == [
        ("hackernews:40000201", None),
        ("hackernews:40000230", "hackernews:40000201"),
        ("hackernews:40000244", "hackernews:40000230"),
        ("hackernews:40000260", None),
    ]
    assert {c.discussion for c in page.comments} == {"hackernews:40000100"}
    assert page.comments[0].created_at == "2024-04-11T08:20:00"
    assert page.comments[0].text == "The one to Vienna is gone.\n\nSee https://rail.example & weep."


def test_what_hacker_news_flagged_is_a_retraction():
    flagged = _page("hackernews_item.html").comments[2]

    assert flagged.deleted
    assert flagged.text is None


def _thing(author, body, replies=""):
    return (
        f'<div class=" thing noncollapsed   comment " data-author="{author}">'
        '<div class="entry unvoted"><p class="tagline"><a href="javascript:void(0)" class="expand">[-]</a>'
        f'<a href="/user/{author}" class="author">{author}</a> <span class="score">4 points</span> '
        '<time datetime="2025-01-01T10:00:00+00:00">3 hours ago</time></p>'
        '<form action="#" class="usertext"><input type="hidden" name="thing_id"/>'
        f'<div class="usertext-body may-blank-within"><div class="md">{body}</div></div></form>'
        '<ul class="flat-list buttons"><li><a href="#">permalink</a></li><li>reply</li></ul></div>'
        f'<div class="child">{replies}</div></div>'
    )


def _old_reddit(things):
    return parse_html(
        '<!doctype html><html><head><title>Trams : city</title></head><body><h1 class="redditname">city</h1>'
        '<div class="sitetable linklisting"><div class="thing link"><a class="title">Trams?</a>'
        '<form class="usertext"><div class="usertext-body"><p>Who wants them?</p></div></form></div></div>'
        '<div class="commentarea"><form class="usertext cloneable"><textarea>draft</textarea></form>'
        f'<div class="sitetable nestedlisting">{things}</div></div></body></html>'
    )


def test_an_old_reddit_page_gives_bodies_authors_and_replies():
    reply = _thing("bea", "<p>You do.</p>")
    page = _old_reddit(
        _thing("ada", "<p>Who pays?</p><p>I won't.</p>", f'<div class="sitetable listing">{reply}</div>')
        + _thing("cem", "<p>Build them.</p>")
    )

    first, answer, other = page.comments
    assert [c.text for c in page.comments] == ["Who pays?\n\nI won't.", "You do.", "Build them."]
    assert [c.author for c in page.comments] == ["ada", "bea", "cem"]
    assert {c.created_at for c in page.comments} == {"2025-01-01T10:00:00+00:00"}
    assert (first.parent, answer.parent, other.parent) == (None, first.id, None)
    assert (page.title, page.article.text) == ("Trams?", "Who wants them?")


def test_an_old_reddit_page_without_its_forms_says_the_same():
    things = _thing("ada", "<p>Who pays?</p>").replace("<form", "<div").replace("</form>", "</div>")

    (comment,) = _old_reddit(things).comments

    assert (comment.author, comment.text) == ("ada", "Who pays?")


def test_what_reddit_removed_is_no_comment():
    page = _old_reddit(_thing("ada", "<p>[removed]</p>") + _thing("bea", "<p>Yes.</p>") + _thing("cem", ""))

    assert [comment.author for comment in page.comments] == ["bea"]


def test_a_form_within_a_comment_is_not_its_text():
    page = parse_html(
        '<ol class="comment-list"><li class="comment" id="comment-1"><p>Yes.</p>'
        "<form><p>Report this comment</p></form></li></ol>"
    )

    assert page.comments[0].text == "Yes."


def test_a_page_without_comments_is_refused():
    with pytest.raises(FeedError, match="no list of comments"):
        parse_html("<html><body><p>Hello.</p></body></html>")


def test_a_page_that_nests_without_end_is_refused_before_it_is_parsed():
    with pytest.raises(FeedError, match=str(MAX_DEPTH)):
        parse_html("<div>" * (MAX_DEPTH + 1))


def test_the_deepest_page_that_is_taken_is_read_without_recursion():
    depth = MAX_DEPTH // 2
    page = "".join(f'<section><ul><li class="comment" id="comment-{n}">' for n in range(depth))

    comments = parse_html(page + "<p>At the bottom.</p>").comments

    assert [comment.text for comment in comments] == ["At the bottom."]
    assert comments[0].parent.endswith(f":{depth - 2}")


pieces = st.lists(
    st.sampled_from(
        [
            '<li class="comment" id="comment-1">',
            '<div class="comment">',
            '<ol class="children">',
            '<div class="comment-content">',
            '<div class="thing comment">',
            '<form class="usertext">',
            '<div class="usertext-body">',
            '<p class="tagline"><a class="author">',
            '<tr class="athing comtr" id="7"><td class="ind" indent="1">',
            '<table class="fatitem">',
            '<tr class="athing" id="8">',
            '<div class="commtext">',
            '<time datetime="x">',
            '<a href="item?id=5">',
            '<link rel="canonical" href="http://[">',
            "</div>",
            "</li>",
            "</ol>",
            "</td></tr>",
            "<p>",
            "<br>",
            "<pre>",
            "<script>",
            "text & more",
            "&#0;",
        ]
    )
    | st.text(max_size=8),
    max_size=25,
)


@given(pieces)
def test_any_soup_of_tags_is_a_page_or_is_refused(parts):
    try:
        page = parse_html("".join(parts))
    except FeedError:
        return
    assert len({comment.id for comment in page.comments}) == len(page.comments)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_page_or_are_refused(raw):
    try:
        parse_html(decode_page(raw))
    except FeedError:
        return


@given(st.text(max_size=200))
def test_any_fragment_becomes_text(text):
    assert isinstance(fragment_text(text), str)
