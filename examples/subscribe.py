"""Subscribe in ten lines: every comment with the cluster that it belongs to now.

Run ``python examples/subscribe.py localhost:9092``; a second argument is the prefix of the topics.
"""

import asyncio
import json
import sys
from collections import defaultdict

from aiokafka import AIOKafkaConsumer


async def subscribe(broker: str, prefix: str = "groundswell.") -> None:
    """Print id, settled cluster and text of every comment, again when its cluster changes."""
    topics = (f"{prefix}placements", f"{prefix}assignments")
    options = {"auto_offset_reset": "earliest", "isolation_level": "read_committed"}
    placed, comments = {}, defaultdict(dict)
    async with AIOKafkaConsumer(*topics, bootstrap_servers=broker, group_id=None, **options) as consumer:
        async for message in consumer:
            key, record = message.key.decode(), json.loads(message.value or "{}")
            if message.topic == topics[0]:
                placed[key], changed = record.get("cluster"), dict(comments[key])
            else:
                changed = {key: record}
                comments[record.get("micro")][key] = record
            for comment, said in changed.items():
                print(comment, placed.get(said.get("micro")), repr(said.get("excerpt")), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(subscribe(*sys.argv[1:]))
