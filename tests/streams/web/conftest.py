"""Records of a small discussion, made by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.records import Assignment, Cluster, Exemplar, Judgement, Lineage, Placement, Pulse, Slice
from streams.web.settings import WebSettings
from streams.web.view import View

NOON = datetime(2025, 3, 10, 12, tzinfo=UTC)


class Make:
    """Makes records that say only what a test is about."""

    noon = NOON

    def minute(self, n: float) -> datetime:
        return NOON + timedelta(minutes=n)

    def assignment(self, id: str = "a", minute: float = 0, **fields: Any) -> Assignment:
        usual = {
            "event_time": self.minute(minute),
            "micro": "0-1",
            "cluster": None,
            "similarity": 0.5,
            "novelty": 0.5,
            "partition": 0,
            "offset": 1,
            "encoder": "e",
            "version": "1",
            "excerpt": f"text of {id}",
            "chart_tick": self.minute(0) if fields.get("cluster") else None,
        }
        return Assignment(id=id, **(usual | fields))

    def judgement(self, id: str = "a", side: Any = "favor", **fields: Any) -> Judgement:
        usual = {
            "target": "tram",
            "confidence": 0.9,
            "model": "m",
            "event_time": NOON,
            "micro": "0-1",
            "partition": 0,
            "offset": 1,
            "version": "1",
            "excerpt": f"text of {id}",
        }
        return Judgement(id=id, side=side, **(usual | fields))

    def cluster(self, id: str = "c1", share: float = 0.5, **fields: Any) -> Cluster:
        usual = {
            "state": "live",
            "label": f"label of {id}",
            "tick": NOON,
            "born": NOON,
            "last_heard": NOON,
            "count": 3,
            "weight": 3.0,
        }
        return Cluster(id=id, share=share, **(usual | fields))

    def exemplar(self, id: str) -> Exemplar:
        return Exemplar(id=id, text=f"text of {id}")

    def placement(self, micro: str = "0-1", cluster: str = "c1") -> Placement:
        return Placement(micro=micro, cluster=cluster, since=NOON)

    def event(
        self, id: str = "e1", event: Any = "emerged", cluster: str = "c1", minute: float = 0, **more: Any
    ) -> Lineage:
        return Lineage(id=id, event=event, cluster=cluster, at=self.minute(minute), **more)

    def pulse(self, minute: float = 0, shares: dict[str, float] | None = None, **fields: Any) -> Pulse:
        parts = tuple(
            Slice(id=name, label=f"label of {name}", share=share, weight=1.0, count=1)
            for name, share in (shares or {}).items()
        )
        usual = {"comments": 2, "unassigned": 0, "total": 2, "n_micros": 1, "n_clusters": len(parts)}
        return Pulse(tick=self.minute(minute), clusters=parts, **(usual | fields))


@pytest.fixture
def make() -> Make:
    return Make()


@pytest.fixture
def view() -> View:
    return View(WebSettings(comments=10, judgements=10, ticks=8, events=5, ended=2))
