"""What ASSIGN says of a comment: its assignment, and what the judge is given to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from agents.clustering.exemplars import shorten
from agents.clustering.settings import ClusteringSettings
from agents.records import Assignment, Debated, Embedded, Placement, RunnerUp

__all__ = ["Writer"]

DIGITS = 4
"""Of similarities and novelty: more would be noise."""


class Writer:
    """Writes the records of one partition.

    Parameters
    ----------
    partition
        The partition, which begins the id of its micro-clusters.
    placements
        The latest placement of every micro-cluster, by its id; kept up to date by the caller.
    version
        What assignments say made them.
    """

    def __init__(
        self,
        partition: int,
        settings: ClusteringSettings,
        placements: Mapping[str, Placement],
        version: str,
    ) -> None:
        self._partition = partition
        self._settings = settings
        self._placements = placements
        self._version = version

    def name(self, number: int) -> str:
        """Return the id of a micro-cluster."""
        return f"{self._partition}-{number}"

    def assignment(
        self,
        record: Embedded,
        numbers: Sequence[int],
        similarities: Sequence[float],
        novelty: float,
        cluster: str | None,
    ) -> Assignment:
        """Return the assignment of a comment.

        Parameters
        ----------
        numbers
            Its micro-cluster and the runners-up, -1 where there are no more.
        similarities
            To each of them.
        cluster
            That the chart placed its micro-cluster in, or will most probably.
        """
        micro = self.name(numbers[0])
        placement = self._placements.get(micro)
        return Assignment(
            id=record.id,
            event_time=record.event_time,
            micro=micro,
            cluster=cluster,
            chart_tick=placement.since if placement else None,
            similarity=round(similarities[0], DIGITS),
            novelty=round(novelty, DIGITS),
            runners_up=tuple(self._runners_up(numbers[1:], similarities[1:])),
            partition=self._partition,
            offset=record.offset,
            encoder=record.encoder,
            version=self._version,
            discussion=record.discussion,
            source=record.source,
            url=record.url,
            excerpt=self._excerpt(record.text),
        )

    def debated(
        self, record: Embedded, number: int | None, targets: tuple[str, ...], parent_text: str | None
    ) -> Debated:
        """Return what the judge reads; ``number`` is None where the micro-cluster isn't known any more."""
        return Debated(
            id=record.id,
            text=record.text,
            event_time=record.event_time,
            micro="" if number is None else self.name(number),
            targets=targets,
            partition=self._partition,
            offset=record.offset,
            parent_text=parent_text,
            discussion=record.discussion,
            discussion_title=record.discussion_title,
            source=record.source,
            lang=record.lang,
            deleted=record.deleted,
        )

    def _runners_up(self, numbers: Sequence[int], similarities: Sequence[float]) -> Iterator[RunnerUp]:
        for number, similarity in zip(numbers, similarities, strict=True):
            if number >= 0:
                micro = self.name(number)
                placement = self._placements.get(micro)
                cluster = placement.cluster if placement else None
                yield RunnerUp(micro=micro, similarity=round(similarity, DIGITS), cluster=cluster)

    def _excerpt(self, text: str) -> str | None:
        limit = self._settings.excerpt_characters
        if limit < 0:
            return text
        return shorten(text, limit) if limit else None
