from __future__ import annotations

from agents.charting.clusters import HOUR_SECONDS, Dead, Live
from agents.charting.exemplars import choose, readability
from agents.records import Exemplar


def example(name, text, similarity=0.5):
    return Exemplar(id=name, text=text, similarity=similarity)


def test_the_central_come_first_and_at_most_three_are_shown():
    texts = [
        "The tram is late every day",
        "Nobody voted for parking fees",
        "Our school needs a roof",
        "Rain again in May",
    ]
    offered = [(example(f"m{i}", text, 0.9 - i / 10), 1.0) for i, text in enumerate(texts)]

    assert [each.id for each in choose(offered)] == ["m0", "m1", "m2"]


def test_what_says_the_same_is_shown_once():
    offered = [
        (example("m1", "The tram is late every single day", 0.9), 1.0),
        (example("m2", "RT @x: the tram is late every single day", 0.8), 1.0),
        (example("m3", "Nobody asked us about parking fees", 0.4), 1.0),
    ]

    assert [each.id for each in choose(offered)] == ["m1", "m3"]


def test_emoji_show_a_cluster_that_has_nothing_else_and_links_never_do():
    offered = [
        (example("m1", "🔥🔥"), 1.0),
        (example("m2", "🔥"), 1.0),
        (example("m3", "https://t.co/x"), 1.0),
    ]

    assert [each.id for each in choose(offered)] == ["m1"]


def test_what_reads_by_itself_goes_before_a_shout_and_a_list_of_links():
    assert readability("The tram is late every single day now") == 1.0
    assert readability("The tram is late again") < readability("The tram to the station is late")
    assert readability("tram " * 60) < readability("tram " * 30) == 1.0
    assert readability("lol") < 0.5
    assert readability("https://example.org/a https://example.org/b see") < 0.5
    offered = [
        (example("m1", "lol", 0.8), 1.0),
        (example("m2", "The tram is late every day again", 0.6), 1.0),
    ]
    assert choose(offered)[0].id == "m2"


def test_an_example_that_is_shown_stays_unless_another_is_clearly_better():
    offered = [
        (example("m1", "The tram is late every single day", 0.80), 1.0),
        (example("m2", "Another tram that never came this week", 0.82), 1.0),
    ]

    assert choose(offered)[0].id == "m2"
    assert choose(offered, shown=("m1",))[0].id == "m1"


def test_the_trend_is_the_change_of_share_over_an_hour():
    live = Live(number=0, id="c0-0", born=0.0, last_heard=0.0)

    trends = [
        live.note_share(at, share) for at, share in ((0.0, 0.2), (1800.0, 0.3), (HOUR_SECONDS + 1800, 0.5))
    ]

    assert [round(trend, 9) for trend in trends] == [0.0, 0.1, 0.2]


def test_the_shares_that_are_remembered_stay_few():
    live = Live(number=0, id="c0-0", born=0.0, last_heard=0.0)

    for tick in range(600):
        live.note_share(60.0 * tick, 0.1)

    assert len(live.shares) <= 14


def test_the_dead_are_forgotten_by_age():
    dead = Dead()
    dead.bury("0-0", 1, 0.0)
    dead.bury("0-1", -1, 0.0)
    dead.bury("0-2", 1, 86_400.0)

    assert list(dead.forget(7 * 86_400.0)) == ["0-0"]
    assert list(dead.places) == ["0-2"]
    assert list(dead.strays) == ["0-1"]
