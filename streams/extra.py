"""Topics of their own for single clusters and sides: off unless asked for, capped, gone with their cluster.

The worker that owns the chart makes and deletes them; every worker writes only to those that exist.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from agents.agent import Emission
from agents.records import Assignment, Judgement
from streams.options import TopicSettings
from streams.publish import Connection
from streams.topics import DAY_SECONDS
from streams.web.view import View

__all__ = ["ExtraTopics"]

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2.0
RETENTION_SECONDS: Final = 7 * DAY_SECONDS
SIDES: Final = ("favor", "against", "none")
COPIED: Final = frozenset({"assignments", "judgements"})
OURS: Final = re.compile(r"cluster\.(?P<cluster>c\d+-\d+(?:\.\d+)?)")
"""Topics of clusters; whatever else begins like them is somebody else's."""


class ExtraTopics:
    """Copies assignments to ``cluster.<id>`` and judgements to ``stance.<target>.<side>``.

    Parameters
    ----------
    connection
        How to reach the broker.
    settings
        Which kinds are asked for, and how many topics at most.
    view
        Knows the live clusters.
    targets
        Ids of the targets of stance.
    owns_chart
        Says whether this worker makes and deletes them.
    embedded
        On the embedded broker topics appear when they are written to and can't be deleted.
    """

    def __init__(
        self,
        connection: Connection,
        settings: TopicSettings,
        view: View,
        targets: Iterable[str],
        owns_chart: Callable[[], bool],
        *,
        embedded: bool,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._view = view
        self._targets = tuple(targets)
        self._owns_chart = owns_chart
        self._is_embedded = embedded
        self._open: frozenset[str] = frozenset()
        self._admin: AIOKafkaAdminClient | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether the settings ask for any."""
        return self._settings.per_cluster or self._settings.per_side

    async def start(self) -> None:
        """Begin to make and retire topics."""
        if not self.is_wanted:
            return
        if not self._is_embedded:
            self._admin = AIOKafkaAdminClient(**self._connection.client())
            await self._admin.start()
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Stop; what was made stays."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._admin is not None:
            await self._admin.close()

    def copies(self, emission: Emission) -> Iterable[Emission]:
        """Return what also leaves when this does.

        A comment that is edited or taken back leaves a tombstone where it was, if the view remembers that.
        """
        if not self._open or emission.topic not in COPIED or not isinstance(emission.key, str):
            return ()
        topic = _topic(emission.record)
        left = self._left(emission.key, emission) - {topic}
        copies = [Emission(each, emission.key, None, 0) for each in sorted(left & self._open)]
        if topic in self._open:
            copies.append(Emission(topic, emission.key, emission.record, 0))
        return copies

    def _left(self, key: str, emission: Emission) -> set[str]:
        """Return the topics in which a comment may have been before."""
        if emission.topic == "judgements" and emission.record is None:
            target = key.rpartition("+")[2]  # the view may know of the comment's retraction already
            return {f"stance.{target}.{side}" for side in SIDES}
        known = self._view.judgements if emission.topic == "judgements" else self._view.comments
        topic = _topic(known.get(key))
        return set() if topic is None else {topic}

    def wanted(self, existing: Collection[str] = ()) -> list[str]:
        """Return which topics there should be: every side, live clusters that have one, the heaviest.

        A cluster keeps its topic while it lives, however light it has become: somebody listens there.
        """
        names: list[str] = []
        if self._settings.per_side:
            names += [f"stance.{target}.{side}" for target in self._targets for side in SIDES]
        if self._settings.per_cluster:
            weights = {f"cluster.{cluster.id}": cluster.weight for cluster in self._view.live()}
            names += sorted(weights, key=lambda name: (name not in existing, -weights[name], name))
        return names[: self._settings.extra_topics]

    async def _keep(self) -> None:
        while True:
            try:
                await self._look()
            except (KafkaError, OSError) as error:
                logger.warning("extra topics not kept", extra={"error": repr(error)})
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        if self._admin is None:
            self._open = frozenset(self.wanted(self._open))
            return
        prefix = self._connection.prefix
        listed = {
            name.removeprefix(prefix) for name in await self._admin.list_topics() if name.startswith(prefix)
        }
        existing = {name for name in listed if name.startswith(("cluster.", "stance."))}
        wanted = self.wanted(existing)
        self._open = frozenset(existing & set(wanted))
        if self._owns_chart():
            await self._make([name for name in wanted if name not in existing])
            await self._retire(sorted(name for name in existing - set(wanted) if self._has_ended(name)))

    def _has_ended(self, topic: str) -> bool:
        """Whether a topic's cluster is over; one that a lower cap leaves out stays."""
        found = OURS.fullmatch(topic)
        if found is None:
            return False
        cluster = self._view.clusters.get(found["cluster"])
        return cluster is None or cluster.state != "live"

    async def _make(self, names: list[str]) -> None:
        assert self._admin is not None
        if names:
            config = {"retention.ms": str(RETENTION_SECONDS * 1000)}
            await self._admin.create_topics(
                [
                    NewTopic(
                        self._connection.topic(name), 1, self._settings.replication, topic_configs=config
                    )
                    for name in names
                ]
            )

    async def _retire(self, names: list[str]) -> None:
        assert self._admin is not None
        if names:
            await self._admin.delete_topics([self._connection.topic(name) for name in names])
            logger.info("topics retired", extra={"topics": len(names)})


def _topic(record: object) -> str | None:
    """Return the topic that a record is copied to, None for one that belongs to none."""
    match record:
        case Assignment(cluster=str() as cluster, chart_tick=datetime()):
            return f"cluster.{cluster}"
        case Judgement(target=target, side=side):
            return f"stance.{target}.{side}"
    return None
