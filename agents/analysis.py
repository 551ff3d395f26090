"""The agents without Kafka: fed from a list, they give what the road gives for the same input."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from agents.agent import Agent, Emission, Message
from agents.embedding.agent import Embed
from agents.records import Comment, Placement, Record, encode

__all__ = ["Analysis"]

Make = Callable[[int], Agent[Any]]


class Analysis:
    """EMBED, ASSIGN, JUDGE and CHART in one process, one after another.

    Parameters
    ----------
    embed
        Gives comments their vectors.
    assign, judge
        Make the agent of a partition; ``judge`` is None where there is no target.
    chart
        Adds the sketches up.
    placements
        What ASSIGN looks placements up in; kept up to date here.
    emit
        Called with every emission to a public topic, in order; its key as text.
    n_partitions
        Comments of one discussion share a partition, those without one are spread by id.
    """

    def __init__(
        self,
        embed: Embed,
        assign: Make,
        chart: Agent[Any],
        judge: Make | None,
        placements: dict[str, Placement],
        emit: Callable[[Emission], None],
        n_partitions: int = 1,
    ) -> None:
        self._embed = embed
        self._assign = [assign(number) for number in range(n_partitions)]
        self._judge = None if judge is None else [judge(number) for number in range(n_partitions)]
        self._chart = chart
        self._placements = placements
        self._emit = emit
        self._ends = [0] * n_partitions

    def feed(self, comments: Iterable[Comment], record_time: float) -> None:
        """Take comments in, in their order.

        Parameters
        ----------
        record_time
            When they are fed, in seconds since 1970: no comment may be dated much later.
        """
        batch = [self._message(comment, record_time) for comment in comments]
        self._pass(self._embed.step(batch))

    def pause(self) -> None:
        """End the stream: every partition publishes the part of the tick that it holds."""
        self._pass([self._embed.pause(number, end - 1) for number, end in enumerate(self._ends)])
        for number in range(len(self._ends)):
            self._pass(self._assign[number].step([]))

    def _message(self, comment: Comment, record_time: float) -> Message:
        key = (comment.discussion or comment.id).encode()
        partition = zlib.crc32(key) % len(self._ends)
        offset = self._ends[partition]
        self._ends[partition] += 1
        return Message(
            value=encode(comment),
            key=key,
            topic="comments",
            partition=partition,
            offset=offset,
            timestamp=record_time,
        )

    def _pass(self, emissions: Iterable[Emission]) -> None:
        """Hand every emission to the agent that reads its topic, until nothing is on the road."""
        waiting: dict[tuple[str, int], list[Record]] = defaultdict(list)
        for emission in emissions:
            if emission.topic in {"embedded", "debated", "sketches"} and isinstance(emission.record, Record):
                waiting[emission.topic, emission.partition or 0].append(emission.record)
                continue
            if isinstance(emission.record, Placement):
                self._placements[emission.record.micro] = emission.record
            self._emit(emission)
        for (topic, partition), records in waiting.items():
            self._pass(self._step(topic, partition, records))

    def _step(self, topic: str, partition: int, records: Sequence[Record]) -> Iterable[Emission]:
        if topic == "embedded":
            return self._assign[partition].step(records)
        if topic == "sketches":
            return self._chart.step(records)
        return () if self._judge is None else self._judge[partition].step(records)
