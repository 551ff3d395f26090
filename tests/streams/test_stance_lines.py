"""Where people stand, in the summary."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from agents.records import Cluster, Exemplar, Judgement, Pulse
from streams.stance_lines import stance_lines

START = datetime(2025, 3, 10, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("zone")


def lines(
    *balances: float, voices: Sequence[Exemplar] = (), said: Sequence[Judgement] = (), **sides: int
) -> str:
    newest = Pulse(
        tick=START + timedelta(minutes=len(balances)),
        comments=1,
        unassigned=0,
        total=1,
        n_micros=1,
        n_clusters=1,
        sides_total={"tram": sides},
    )
    clusters = [
        Cluster(
            id=f"c{n}",
            state="live",
            label="tram",
            tick=START,
            born=START,
            last_heard=START,
            count=1,
            weight=1.0,
            share=0.5,
            side_exemplars={"tram": {"favor": (voice,)}},
        )
        for n, voice in enumerate(voices)
    ]
    values = {START + timedelta(minutes=i): balance for i, balance in enumerate(balances)}
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(stance_lines({"tram": "A new tram"}, [newest], clusters, said, {"balance/tram": values}))
    return console.export_text()


def test_a_few_sides_are_counted_not_shared_out() -> None:
    text = lines(1.0, favor=1, against=0, none=10)
    assert "1 favor  0 against  of 1 who took a side; 10 took none" in text
    assert "too few sides yet to see a movement" in text


def judgements(*in_favor: bool) -> list[Judgement]:
    return [
        Judgement(
            id=f"m{n}",
            target="tram",
            side="favor" if is_favor else "against",
            confidence=0.75,
            model="seeded",
            event_time=START + timedelta(minutes=n),
            micro="0-0",
            partition=0,
            offset=n,
            version="1",
        )
        for n, is_favor in enumerate(in_favor)
    ]


def test_many_sides_are_shares_and_their_movement_is_drawn() -> None:
    text = lines(-1.0, 0.0, 0.5, favor=15, against=5)
    assert "75% favor  25% against  of 20" in text
    assert "in favor over time" in text


def test_a_turn_is_told_with_its_time_and_how_sure_it_is() -> None:
    text = lines(0.5, 0.6, said=[*reversed(judgements(*[False] * 9, True, *[True] * 9))], favor=10, against=9)

    assert "0% until Mon 00:09, 100% since (by chance: under 1%)" in text
    assert "confidence 75%" in text


def test_what_chance_would_do_as_well_is_no_turn() -> None:
    text = lines(0.5, 0.6, said=judgements(*[False, True] * 9), favor=9, against=9)

    assert "much the same all the time" in text


def test_the_voice_of_a_side_is_the_surest_one() -> None:
    voices = [
        Exemplar(id="a", text="perhaps, some day", similarity=0.56),
        Exemplar(id="b", text="build it now", similarity=0.81),
    ]

    text = lines(0.5, voices=voices, favor=15, against=5)

    assert "build it now" in text
    assert "perhaps" not in text


def test_a_voice_that_reads_by_itself_goes_before_a_shout_that_is_a_little_surer() -> None:
    voices = [
        Exemplar(id="a", text="YES TRAM", similarity=0.86),
        Exemplar(id="b", text="I would take a tram over a car any day, so bring it", similarity=0.68),
    ]

    text = lines(0.5, voices=voices, favor=15, against=5)

    assert "any day" in text
    assert "YES TRAM" not in text
