"""Where the input of a stage must go on."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest

from agents.errors import RoadError, StateError
from streams.continuity import Input
from streams.offsets import Standing


class Log:
    """A partition as the broker tells of it."""

    def __init__(self, begin: int, end: int, committed: int | None = None) -> None:
        self.standings = Standing(begin, end, committed)

    async def ask(self) -> None:
        """Know it already."""

    def standing(self, topic: str, partition: int) -> Standing:
        return self.standings

    async def beginning(self, topic: str, partition: int) -> int:
        return self.standings.begin

    async def end(self, topic: str, partition: int) -> int:
        return self.standings.end


def reading(log: Log) -> Input:
    return Input("assign", "groundswell.embedded", cast(Any, log))


async def test_a_topic_that_ends_before_what_a_state_includes_is_refused() -> None:
    await reading(Log(0, 51)).must_reach(3, included=50)

    with pytest.raises(StateError, match=r"ends at offset 50 on partition 3, .* includes offset 50: .* anew"):
        await reading(Log(0, 50)).must_reach(3, included=50)


async def test_a_state_from_nothing_is_refused_where_input_was_acknowledged() -> None:
    await reading(Log(0, 50)).must_be_new(3)

    with pytest.raises(StateError, match=r"up to offset 20 on partition 3, but its checkpoint is gone"):
        await reading(Log(0, 50, committed=20)).must_be_new(3)


async def test_records_that_are_there_and_were_not_delivered_are_missed() -> None:
    await reading(Log(0, 50)).must_follow(3, 4, [5, 6, 7])

    with pytest.raises(RoadError, match=r"was given offset 8 .* where 7 comes next"):
        await reading(Log(0, 50)).must_follow(3, 4, [5, 6, 8])


async def test_records_that_retention_has_deleted_are_told_and_passed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        await reading(Log(8, 50)).must_follow(3, 4, [8, 9])

    assert [record.message for record in caplog.records] == ["records deleted before they were read"]
