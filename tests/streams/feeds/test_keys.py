"""Keys of comments on the topic."""

from agents.records import Comment
from streams.feeds.keys import Keys


def _keys_of(keys, **fields):
    return [(emission.key, emission.partition) for emission in keys.emissions(Comment(**fields))]


def test_the_key_is_the_discussion_else_the_id():
    keys = Keys(4)

    assert _keys_of(keys, id="a", text="t", discussion="d") == [("d", None)]
    assert _keys_of(keys, id="b", text="t") == [("b", None)]


def test_edits_and_retractions_keep_the_key_of_the_original():
    keys = Keys(4)
    keys.emissions(Comment(id="a", text="t", discussion="d"))

    assert _keys_of(keys, id="a", text="other") == [("d", None)]
    assert _keys_of(keys, id="a", text="other", discussion="moved") == [("d", None)]
    assert _keys_of(keys, id="a", deleted=True) == [("d", None)]


def test_a_retraction_out_of_the_blue_goes_to_every_partition():
    assert _keys_of(Keys(2), id="a", deleted=True) == [("a", 0), ("a", 1)]


def test_a_retraction_that_names_its_discussion_goes_there():
    assert _keys_of(Keys(2), id="a", deleted=True, discussion="d") == [("d", None)]


def test_keyed_by_id_nothing_has_to_be_remembered():
    keys = Keys(4, keyed_by_id=True)

    assert _keys_of(keys, id="a", text="t", discussion="d") == [("a", None)]
    assert _keys_of(keys, id="a", deleted=True) == [("a", None)]


def test_memory_is_bounded_and_the_oldest_go_first():
    keys = Keys(2, max_keys=1)
    keys.emissions(Comment(id="a", text="t", discussion="d"))
    keys.emissions(Comment(id="b", text="t", discussion="d"))

    assert _keys_of(keys, id="b", deleted=True) == [("d", None)]
    assert len(_keys_of(keys, id="a", deleted=True)) == 2


def test_an_edit_of_what_another_worker_took_goes_where_the_original_is():
    keys = Keys(4, home={"a": 3}.get)
    edit = Comment(id="a", text="new", discussion="moved")

    assert [(each.partition, each.record) for each in keys.emissions(edit)] == [(3, edit)]
    assert [each.partition for each in keys.emissions(Comment(id="a", deleted=True))] == [3]
    assert [each.partition for each in keys.emissions(Comment(id="b", text="other"))] == [None]
