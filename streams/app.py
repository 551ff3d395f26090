"""One worker: Faust with the agents on the road, the publisher beside it, the page in front.

Nothing happens at import; `Worker` is made from settings and started.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from functools import partial
from importlib.metadata import version
from typing import Any, Final

import faust
from aiohttp import web
from aiokafka.errors import KafkaError
from faust.exceptions import ConsumerNotStarted
from prometheus_client import CollectorRegistry

from agents.embedding.encoder import Encoder, load_encoder
from agents.errors import SettingsError, StateError
from streams.broker import EMBEDDED, EMBEDDED_PARTITIONS
from streams.contracts import headers
from streams.delivery import HEARTBEATS, let_go
from streams.extra import ExtraTopics
from streams.faust_app import App
from streams.metrics import Metrics
from streams.mind import STAGES, Mind
from streams.observe import MeteredEncoder, MetricsObserver
from streams.offsets import POLL_SECONDS, Offsets
from streams.process import settle
from streams.publish import Backlog, Connection, Publisher
from streams.road import Road
from streams.route import Agents, lay
from streams.settings import Settings, fingerprint
from streams.thinking import make_agents
from streams.topic_admin import ensure_topics
from streams.topics import INPUTS
from streams.web.post import Comments
from streams.web.reader import Reader
from streams.web.readiness import Readiness
from streams.web.server import build
from streams.web.serving import serve
from streams.web.view import View

__all__ = ["Worker", "connect"]

logger = logging.getLogger(__name__)

BACKLOG_BYTES: Final = 3 * 1_048_576
"""Bytes of values that may wait on a partition of the embedded broker, which keeps 5 MiB, compressed."""

STOP_SECONDS: Final = 15.0
"""How long an end in good order may take: without a broker what is on its way would be waited for."""

VERSION: Final = version("groundswell")


def connect(settings: Settings, bootstrap: str) -> Connection:
    """Return how to reach the broker at ``bootstrap`` with these settings."""
    return Connection(bootstrap, settings.topics.prefix, settings.broker.client())


class Worker:
    """A worker of a deployment; start as many as there are partitions.

    Parameters
    ----------
    settings
        Everything that can be set.
    bootstrap
        Where the broker is: the address of the embedded one, or ``broker.url``.
    encoder
        Given by tests and by who has loaded one already; else the settings name it.
    """

    def __init__(self, settings: Settings, bootstrap: str, encoder: Encoder | None = None) -> None:
        self.settings = settings
        self.connection = connect(settings, bootstrap)
        self.is_embedded = settings.broker.url == EMBEDDED
        self.n_partitions = EMBEDDED_PARTITIONS if self.is_embedded else settings.topics.partitions
        self.metrics = Metrics(CollectorRegistry(), {t.id: t.title for t in settings.stance.judged})
        self.metrics.build(VERSION, fingerprint(settings))
        self.view = View(settings.web)
        limits = {self.connection.topic(name): BACKLOG_BYTES for name in INPUTS} if self.is_embedded else {}
        self.backlog = Backlog(limits)
        self._extra = ExtraTopics(
            self.connection,
            settings.topics,
            self.view,
            [target.id for target in settings.stance.judged],
            lambda: self._observer is not None and self._observer.owns_chart,
            embedded=self.is_embedded,
        )
        self.publisher = self._publisher()
        self.address: tuple[str, int] | None = None
        self._encoder = encoder
        self._minds: dict[str, Mind] = {}
        self._app: Any = None
        self._road: Road | None = None
        self._offsets: Offsets | None = None
        self._reader: Reader | None = None
        self._web: web.AppRunner | None = None
        self._failed: asyncio.Future[None] | None = None
        self._observer: MetricsObserver | None = None
        self._looking: asyncio.Task[None] | None = None
        self._state = "starting"

    async def start(self) -> None:
        """Bring everything up, in the order in which one needs the other.

        Raises
        ------
        GroundswellError
            If the model, the broker or a topic is not as it must be; nothing was acknowledged.
        """
        self._failed = asyncio.get_running_loop().create_future()
        if self.settings.delivery.processes:
            self._minds = {stage: Mind(stage) for stage in STAGES}
        await self._serve()
        if self._encoder is None:
            self._encoder = await asyncio.to_thread(load_encoder, self.settings.embedding)
        self._agents = await asyncio.to_thread(self._think)
        settle()
        self.metrics.model("embedding", self._encoder.name)
        if self.settings.stance.judged:
            self.metrics.model("stance", self.settings.stance.model)
        await ensure_topics(self.connection, self.settings.topics, embedded=self.is_embedded)
        await self.publisher.start()
        self._reader = Reader(self.connection, self.view, fail=self._fail)
        await self._reader.start()
        self._must_know_vectors()
        self._app = self._faust()
        self._offsets = Offsets(self.connection, self._app.conf.id, self._owned)
        await self._offsets.start()
        await self._must_know_comments()
        await self._extra.start()
        self._lay()
        await self._app.start()
        self._looking = asyncio.create_task(self._look())
        self._state = "running"

    async def stop(self) -> None:
        """Take everything down in the opposite order; what fails or takes long keeps nothing else up."""
        self._state = "stopping"
        if self._looking is not None:
            self._looking.cancel()
        parts: list[Any] = [self._app, self._road, self._extra, self._offsets, self._reader, self.publisher]
        deadline = time.monotonic() + STOP_SECONDS
        for part in [part for part in parts if part is not None]:
            stopping = asyncio.create_task(part.stop())
            await asyncio.wait({stopping}, timeout=max(0.1, deadline - time.monotonic()))
            if not stopping.done() or (not stopping.cancelled() and stopping.exception()):
                logger.warning("not stopped in good order", extra={"part": type(part).__name__})
            let_go(stopping)
        for mind in self._minds.values():
            mind.stop()
        if self._web is not None:
            await self._web.cleanup()
        if self._failed is not None and not self._failed.done():
            self._failed.cancel()

    def _fail(self, error: BaseException) -> None:
        """End the worker with an error that nobody can handle."""
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

    async def run(self, until: asyncio.Event) -> None:
        """Work until the event is set.

        Raises
        ------
        GroundswellError
            What nobody on the road could handle.
        """
        assert self._failed is not None
        waiting: asyncio.Future[Any] = asyncio.create_task(until.wait())
        either: set[asyncio.Future[Any]] = {waiting, self._failed}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._failed.done():
            self._failed.result()

    @property
    def n_placed(self) -> int:
        """Comments that this worker has given a place and confirmed."""
        return self._observer.n_placed if self._observer else 0

    @property
    def rejected(self) -> Counter[str]:
        """Records that this worker sent to the dead letters, by reason."""
        return self._observer.n_rejected if self._observer else Counter()

    async def is_settled(self) -> bool:
        """Whether nothing is on the road any more, and the chart says that all is silent or all was rejected.

        Asked of a deployment's only worker: while it holds less than every partition it can't tell.
        """
        if self._offsets is None:
            return False
        try:
            await self._offsets.ask()
        except KafkaError:  # the broker is away
            return False
        standings = self._offsets.all()
        newest = self.view.newest()
        numbers = range(self.n_partitions)
        every = {(self.connection.topic(name), n) for name in ("comments", "embedded") for n in numbers}
        holds_all = every | {(self.connection.topic("sketches"), 0)} <= standings.keys()
        is_through = holds_all and not any(standing.lag for standing in standings.values())
        is_silent = newest.idle if newest is not None else bool(self.rejected) and not self.n_placed
        return is_through and is_silent

    @property
    def minds(self) -> list[int]:
        """Numbers of the processes that stages think in."""
        return [mind.pid for mind in self._minds.values()]

    @property
    def url(self) -> str:
        """Where the page is served."""
        host, port = self.address or (self.settings.web.host, self.settings.web.port)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def _look(self) -> None:
        """Note as often as the broker is asked how far every stage is."""
        assert self._offsets is not None and self._observer is not None
        while True:
            try:
                self._observer.look(self._offsets.all(), time.time())
            except Exception:
                logger.exception("lag unknown")
            await asyncio.sleep(POLL_SECONDS)

    def readiness(self) -> Readiness:
        """Return whether the worker works and how far it is behind."""
        standings = self._offsets.all() if self._offsets is not None else {}
        lag = sum(standing.lag for standing in standings.values())
        running = self._state == "running" and self._failed is not None and not self._failed.done()
        reasons: list[str] = []
        if not running:
            reasons.append(f"The worker is {self._state}; it loads its model and joins the group.")
        elif not standings:
            reasons.append("No partition is assigned yet, or there are more workers than partitions.")
        behind = self._observer.behind_seconds if self._observer else None
        limit = self.settings.web.behind_seconds
        if behind is not None and behind > limit:
            reasons.append(f"It is {behind:.0f} s behind, more than {limit:.0f} s; start more workers.")
        return Readiness(not reasons, tuple(reasons), lag, behind)

    def _scrape(self) -> bytes:
        """Bring readiness up to date and return what Prometheus reads."""
        self.metrics.ready(self.readiness().is_ready)
        return self.metrics.exposition()

    def _publisher(self, transactional_id: str | None = None) -> Publisher:
        label = partial(headers, deployment=self.connection.deployment)
        return Publisher(self.connection, label, self.backlog, transactional_id, self._extra.copies)

    def _fence(self, stage: str, partition: int) -> Publisher:
        return self._publisher(f"{self.connection.prefix}{stage}.{partition}")

    def _faust(self) -> Any:
        settings = self.settings.delivery
        return App(
            f"{self.connection.prefix}workers",
            fed=self.connection.topic("comments"),
            broker=[f"aiokafka://{node}" for node in self.connection.bootstrap.split(",")],
            broker_credentials=_credentials(self.connection),
            broker_session_timeout=settings.session_seconds,
            broker_heartbeat_interval=settings.session_seconds / HEARTBEATS,
            broker_commit_interval=1.0,
            stream_wait_empty=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
            store="memory://",
            autodiscover=False,
        )

    def _think(self) -> Agents:
        assert self._encoder is not None
        metered = MeteredEncoder(self._encoder, self.metrics)
        placements, settings = self.view.placements, self.settings
        for mind in self._minds.values():
            mind.begin(settings, metered, placements, self._n_placements, self.n_partitions, VERSION)
        elsewhere = {stage: mind.agent for stage, mind in self._minds.items()}
        return make_agents(settings, metered, placements, self.n_partitions, VERSION, elsewhere)

    def _must_know_vectors(self) -> None:
        """Refuse another encoder than the deployment's before anything is written."""
        newest = self.view.newest()
        assert self._encoder is not None
        if newest is not None and newest.encoder not in ("", self._encoder.name):
            raise SettingsError(
                f"embedding.encoder is {self._encoder.name!r}, the topics of {self.connection.deployment!r} "
                f"were made with {newest.encoder!r}, and their vectors can't be compared. Restore it, or "
                "choose a new topics.prefix and replay: `groundswell topics replay`."
            )

    async def _must_know_comments(self) -> None:
        """Refuse comments that end before what was assigned: new ones would be taken for repeats."""
        assert self._offsets is not None
        topic = self.connection.topic("comments")
        newest: dict[int, int] = {}
        for known in self.view.comments.values():
            newest[known.partition] = max(known.offset, newest.get(known.partition, -1))
        for partition, offset in newest.items():
            end = await self._offsets.end(topic, partition)
            if offset >= end:
                raise StateError(
                    f"{topic} ends at offset {end} on partition {partition}, but offset {offset} was given a "
                    "place: the topic was made anew or has lost records. Choose a new topics.prefix."
                )

    def _n_placements(self) -> int:
        """Return how many placements were read: what tells whether there are new ones."""
        return self.view.versions["placements"]

    def _owned(self) -> list[tuple[str, int]]:
        """Return the partitions that are ours now; none while Faust is starting or has stopped."""
        wanted = {self.connection.topic(name) for name in INPUTS}
        try:
            assigned = self._app.consumer.assignment()
        except ConsumerNotStarted:
            return []
        return [(tp.topic, tp.partition) for tp in assigned if tp.topic in wanted]

    def _home(self, comment: str) -> int | None:
        """Return the partition of a comment that is known, whoever took it."""
        known = self.view.comments.get(comment)
        return None if known is None else known.partition

    def _lay(self) -> None:
        assert self._offsets is not None and self._failed is not None and self._encoder is not None
        self._observer = MetricsObserver(
            self.metrics, self.connection, self._owned, lambda: self._app.consumer.unacked
        )
        self._road = Road(
            app=self._app,
            connection=self.connection,
            publisher=self.publisher,
            backlog=self.backlog,
            offsets=self._offsets,
            observer=self._observer,
            settings=self.settings.delivery,
            failed=self._failed,
        )
        lay(self._road, self._agents, None if self.is_embedded else self._fence)

    async def _serve(self) -> None:
        settings = self.settings
        application = build(
            self.view,
            self._scrape,
            self.readiness,
            (),
            settings.web,
            settings.stance.judged,
        )
        door = Comments(
            self.publisher.send,
            self.n_partitions,
            settings.post,
            settings.embedding,
            keyed_by_id=settings.topics.keyed_by_id,
            home=self._home,
        )
        door.add_to(application)
        self._web = await serve(application, settings.web)
        self.address = self._web.addresses[0][:2]


def _credentials(connection: Connection) -> Any:
    """Return the same security as Faust knows it."""
    security = connection.security
    protocol = security.get("security_protocol", "PLAINTEXT")
    if protocol == "PLAINTEXT":
        return None
    if protocol == "SSL":
        return faust.SSLCredentials(context=connection.ssl_context)
    return faust.SASLCredentials(
        username=security["sasl_plain_username"],
        password=security["sasl_plain_password"],
        mechanism=security["sasl_mechanism"],
        ssl_context=connection.ssl_context,
    )
