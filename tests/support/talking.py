"""A seeded stream of made-up comments, and ASSIGN with CHART run over it as the road runs them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.charting.agent import Chart
from agents.charting.settings import ChartingSettings
from agents.clustering.agent import Assign
from agents.clustering.settings import ClusteringSettings
from agents.clustering.ticks import TimeSettings, as_datetime
from agents.records import Embedded, Pause, Placement, Sketch

__all__ = ["START", "Road", "comment", "pack", "talk", "unit"]

START = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
"""Event time of the first comment, the beginning of a tick."""

DIMENSIONS = 24

TOPICS = (
    "parking ramp meter kerb permit garage",
    "tram rail depot driver timetable ticket",
    "wildfire canyon smoke evacuation ridge wind",
    "pact security border treaty minister summit",
    "school teacher lesson pupil classroom exam",
)


def unit(vector: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return a vector of length 1."""
    scaled: NDArray[np.float64] = vector / np.linalg.norm(vector)
    return scaled


def pack(vector: Sequence[float] | NDArray[np.floating]) -> bytes:
    """Return a vector as it travels."""
    return np.asarray(vector).astype("<f2").tobytes()


def comment(
    offset: int,
    vector: Sequence[float] | NDArray[np.floating],
    text: str = "",
    *,
    at: float | None = None,
    name: str | None = None,
    discussion: str | None = None,
    deleted: bool = False,
) -> Embedded:
    """Return a comment of partition 0, a second after the one of the offset before."""
    return Embedded(
        id=name or f"m{offset}",
        text=text,
        event_time=as_datetime(START + offset if at is None else at),
        vector=b"" if deleted else pack(vector),
        encoder="seeded",
        partition=0,
        offset=offset,
        discussion=discussion,
        discussion_title=discussion and f"About {discussion}",
        deleted=deleted,
    )


def talk(
    n: int, *, seed: int = 1, discussion: str | None = None, common: float = 0.0
) -> list[Embedded | Pause]:
    """Return comments on five topics over many ticks: some edited, retracted, repeated, late, with pauses.

    Parameters
    ----------
    discussion
        The one discussion of all comments.
    common
        Length of a direction that all vectors share; a topic's own has length 1.
    """
    drawn = np.random.default_rng(seed)
    topics = np.linalg.qr(drawn.normal(size=(DIMENSIONS, len(TOPICS) + 1)))[0].T
    stream: list[Embedded | Pause] = []
    at = START
    for offset in range(n):
        topic, kind = int(drawn.integers(len(TOPICS))), drawn.random()
        vector = unit(topics[topic] + common * topics[-1] + drawn.normal(scale=0.1, size=DIMENSIONS))
        text = " ".join(drawn.choice(TOPICS[topic].split(), 4))
        at += float(drawn.exponential(8.0))
        earlier = None if kind >= 0.12 or offset < 20 else f"m{int(drawn.integers(offset))}"
        late = float(drawn.uniform(30.0, 400.0)) if kind > 0.95 else 0.0
        stream.append(
            comment(
                offset,
                vector,
                text,
                at=at - late,
                name=earlier,
                discussion=discussion,
                deleted=earlier is not None and kind < 0.04,
            )
        )
        if offset % 97 == 96:
            stream.append(Pause(partition=0, offset=offset))
    stream.append(Pause(partition=0, offset=n - 1))
    return stream


@dataclass(slots=True)
class Road:
    """One partition of ASSIGN with its CHART, and the bytes of all that they emitted, in order.

    The chart works on a sketch as soon as it is out, so the comments behind it know its placements.
    """

    clustering: ClusteringSettings = field(default_factory=ClusteringSettings)
    charting: ChartingSettings = field(default_factory=ChartingSettings)
    time: TimeSettings = field(default_factory=TimeSettings)
    placements: dict[str, Placement] = field(default_factory=dict)
    sketches: list[Sketch] = field(default_factory=list)

    def assign(self) -> Assign:
        """Return a new ASSIGN that reads the placements."""
        return Assign(0, self.clustering, self.charting, self.time, self.placements)

    def chart(self) -> Chart:
        """Return a new CHART."""
        return Chart(1, self.charting, self.time, half_life_seconds=self.clustering.half_life_seconds)

    def run(
        self, stream: Sequence[Embedded | Pause], *, batch: int = 64, restart_every: int | None = None
    ) -> list[bytes]:
        """Return what leaves, with both agents restored from their states after so many batches each time."""
        assign, chart = self.assign(), self.chart()
        written: list[bytes] = []
        for number, low in enumerate(range(0, len(stream), batch), 1):
            written.extend(self._fed(assign, chart, stream[low : low + batch]))
            if restart_every and number % restart_every == 0:
                states = assign.snapshot(), chart.snapshot()
                assign, chart = self.assign(), self.chart()
                assign.restore(states[0])
                chart.restore(states[1])
        written.extend(self._fed(assign, chart, []))
        return written

    def _fed(self, assign: Assign, chart: Chart, batch: Sequence[Embedded | Pause]) -> Iterator[bytes]:
        for emission in assign.emit(batch):
            yield msgspec.json.encode(emission)
            if isinstance(emission.record, Sketch):
                self.sketches.append(emission.record)
                for told in chart.step([emission.record]):
                    yield msgspec.json.encode(told)
                    if isinstance(told.record, Placement):
                        self.placements[told.record.micro] = told.record
