"""Makes the topics of a deployment on the broker, and says where those that exist differ from the table."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from agents.errors import RoadError, SettingsError
from streams.options import TopicSettings
from streams.publish import Connection
from streams.topics import TOPICS, Topic

__all__ = ["Difference", "create_topics", "differences", "ensure_topics", "must_exist"]

logger = logging.getLogger(__name__)

CONNECT_SECONDS: Final = 60.0
"""How long to wait for a broker that is still starting."""

RETRY_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Difference:
    """One property of a topic that is not as we would have made it."""

    topic: str
    """Its full name."""
    name: str
    """``partitions`` or a setting of the broker's."""
    wanted: str
    found: str
    is_fatal: bool
    """Whether the road would lose or misplace records with it; else it is a matter of taste."""

    def __str__(self) -> str:
        """Say both figures and what to do."""
        remedy = (
            "The number is fixed at creation: set topics.partitions to what it has, or choose a new "
            "topics.prefix and run `groundswell topics replay --from OLD_PREFIX`."
            if self.name == "partitions"
            else f"Change it on the broker: kafka-configs.sh --alter --topic {self.topic} "
            f"--add-config {self.name}=[{self.wanted}]."
        )
        return f"{self.topic} has {self.name} {self.found}, not {self.wanted}. {remedy}"


async def ensure_topics(
    connection: Connection, settings: TopicSettings, *, embedded: bool = False
) -> list[str]:
    """Make the topics that are missing, and refuse those that can't serve.

    On the embedded broker, which has no request for it, topics appear when they are first asked for.

    Returns
    -------
    list of str
        Full names of the topics that were made.

    Raises
    ------
    SettingsError
        If a topic is missing while ``topics.create`` is off, or has another number of partitions,
        another cleanup or a lower message limit.
    RoadError
        If the broker can't be reached or refuses.
    """
    if embedded:
        await _touch(connection)
        return []
    async with _admin(connection) as admin:
        missing = await _missing(admin, connection)
        if missing and not settings.create:
            raise SettingsError(
                f"{len(missing)} topics are missing on {connection.bootstrap} ({', '.join(missing)}) and "
                "topics.create is false. Run `groundswell topics create`, or set topics.create = true."
            )
        made = await _create(admin, connection, settings, missing)
        found = await _differences(admin, connection, settings)
    for difference in found:
        if not difference.is_fatal:
            logger.warning("topic differs", extra={"difference": str(difference)})
    fatal = [str(difference) for difference in found if difference.is_fatal]
    if fatal:
        raise SettingsError("\n".join(fatal))
    return made


async def create_topics(connection: Connection, settings: TopicSettings) -> list[str]:
    """Make the topics that are missing, whatever ``topics.create`` says; return their full names."""
    async with _admin(connection) as admin:
        return await _create(admin, connection, settings, await _missing(admin, connection))


async def differences(connection: Connection, settings: TopicSettings) -> list[Difference]:
    """Return where existing topics differ from what we would make."""
    async with _admin(connection) as admin:
        return await _differences(admin, connection, settings)


async def must_exist(connection: Connection, *names: str) -> None:
    """Refuse a deployment that lacks topics: who reads one that isn't there would wait for it in vain.

    Raises
    ------
    SettingsError
        If one is missing.
    RoadError
        If the broker can't be reached.
    """
    admin = AIOKafkaAdminClient(**connection.client())
    try:
        await admin.start()
        there = set(await admin.list_topics())
    except (KafkaError, OSError) as cause:
        raise RoadError(
            f"the broker at {connection.bootstrap} can't be reached ({cause!r}). Is it running, and is that "
            "its address?"
        ) from cause
    finally:
        await admin.close()
    missing = [connection.topic(name) for name in names if connection.topic(name) not in there]
    if missing:
        raise SettingsError(
            f"there is no topic {missing[0]} on {connection.bootstrap}. Give the prefix of a deployment "
            "(--prefix, of one to copy --from), its dot included."
        )


def n_partitions(topic: Topic, settings: TopicSettings) -> int:
    """Return how many partitions a topic is made with."""
    return 1 if topic.is_single else settings.partitions


@contextlib.asynccontextmanager
async def _admin(connection: Connection) -> AsyncIterator[AIOKafkaAdminClient]:
    """Connect, waiting for a broker that is still starting."""
    admin = AIOKafkaAdminClient(**connection.client())
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            while True:
                try:
                    await admin.start()
                    break
                except (KafkaError, OSError) as error:
                    logger.debug("broker not there yet", extra={"error": repr(error)})
                    await asyncio.sleep(RETRY_SECONDS)
    except TimeoutError as cause:
        raise RoadError(
            f"no broker answered at {connection.bootstrap} within {CONNECT_SECONDS:.0f} s. "
            "Start it, or set broker.url to where it is."
        ) from cause
    try:
        yield admin
    except KafkaError as cause:
        raise RoadError(
            f"the broker at {connection.bootstrap} refused to list or make topics ({cause!r}). "
            "Look at its log and at the rights of broker.username."
        ) from cause
    finally:
        await admin.close()


async def _touch(connection: Connection) -> None:
    """Ask for every topic, so that the embedded broker has it."""
    producer = AIOKafkaProducer(**connection.client())
    await producer.start()
    try:
        for name in TOPICS:
            await producer.partitions_for(connection.topic(name))
    finally:
        await producer.stop()


async def _missing(admin: AIOKafkaAdminClient, connection: Connection) -> list[str]:
    there = set(await admin.list_topics())
    return [name for name in TOPICS if connection.topic(name) not in there]


async def _create(
    admin: AIOKafkaAdminClient, connection: Connection, settings: TopicSettings, names: Iterable[str]
) -> list[str]:
    """Make topics; one that another worker has made meanwhile is no error."""
    new = [
        NewTopic(
            connection.topic(name),
            n_partitions(TOPICS[name], settings),
            settings.replication,
            topic_configs=TOPICS[name].config(),
        )
        for name in names
    ]
    if not new:
        return []
    response = await admin.create_topics(new)
    made: list[str] = []
    for topic, code, message in response.topic_errors:
        if code == 0:
            made.append(topic)
        elif code != TopicAlreadyExistsError.errno:
            raise RoadError(
                f"the broker at {connection.bootstrap} refused to make {topic}: {message} "
                f"({for_code(code).__name__}). With one broker topics.replication must be 1."
            )
    await _until_led(admin, made)
    logger.info("topics made", extra={"topics": made})
    return made


async def _until_led(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    """Wait until every partition of new topics has a leader: the broker answers before that."""
    wanted = set(names)
    async with asyncio.timeout(CONNECT_SECONDS):
        while wanted:
            for described in await admin.describe_topics():
                leaders = [partition["leader"] for partition in described["partitions"]]
                if leaders and -1 not in leaders:
                    wanted.discard(described["topic"])
            if wanted:
                await asyncio.sleep(RETRY_SECONDS / 10)


async def _differences(
    admin: AIOKafkaAdminClient, connection: Connection, settings: TopicSettings
) -> list[Difference]:
    ours = {connection.topic(name): topic for name, topic in TOPICS.items()}
    partitions = {
        described["topic"]: len(described["partitions"])
        for described in await admin.describe_topics()
        if described["topic"] in ours
    }
    configs = await _configs(admin, list(partitions))
    found: list[Difference] = []
    for name, count in partitions.items():
        wanted = n_partitions(ours[name], settings)
        if count != wanted:
            found.append(Difference(name, "partitions", str(wanted), str(count), True))
        found.extend(_config_differences(name, ours[name], configs[name]))
    return sorted(found, key=lambda difference: (difference.topic, difference.name))


async def _configs(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    """Return the settings in force of topics, by the full name of the topic."""
    if not names:
        return {}
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    configs: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(wanted):
        for code, message, _, name, entries, *_ in response.resources:
            if code:
                raise RoadError(f"the broker does not tell the settings of {name}: {message}.")
            configs[name] = {entry[0]: entry[1] for entry in entries}
    return configs


def _config_differences(name: str, topic: Topic, config: Mapping[str, Any]) -> list[Difference]:
    """Compare what decides about records; segment sizes and the like are the operator's business."""
    wanted = topic.config()
    found: list[Difference] = []
    cleanup = config.get("cleanup.policy", "")
    if set(cleanup.split(",")) != set(topic.cleanup.split(",")):
        found.append(Difference(name, "cleanup.policy", topic.cleanup, cleanup, True))
    limit = int(config.get("max.message.bytes", 0))
    if limit < topic.max_message_bytes:
        found.append(Difference(name, "max.message.bytes", str(topic.max_message_bytes), str(limit), True))
    kept = config.get("retention.ms", "")
    if "retention.ms" in wanted and kept != wanted["retention.ms"]:
        found.append(Difference(name, "retention.ms", wanted["retention.ms"], kept, False))
    return found
