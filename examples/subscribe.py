"""Subscribe in ten lines: every comment with the cluster that it belongs to now.

Run ``python examples/subscribe.py localhost:9092``; a second argument is the prefix of the topics.
"""

import asyncio
import json
import sys
from collections import defaultdict

from aiokafka import AIOKafkaConsumer


async def subscribe(broker: str, prefix: str = "groundswell.") -> None:
    """Print id, settled cluster and text of every comment, from the first one kept; a retraction as such."""
    topics = (f"{prefix}placements", f"{prefix}assignments")
    options = {"auto_offset_reset": "earliest", "isolation_level": "read_committed"}
    placed, waiting = {}, defaultdict(dict)
    async with AIOKafkaConsumer(*topics, bootstrap_servers=broker, group_id=None, **options) as consumer:
        async for message in consumer:
            key, record = message.key.decode(), json.loads(message.value or "null")
            if message.topic == topics[0]:
                placed[key], micro = record and record["cluster"], key
            elif record:
                waiting[record["micro"]][key], micro = record, record["micro"]
            else:
                micro = print(key, "retracted", flush=True)  # noqa: T201
            for comment, said in waiting.pop(micro, {}).items() if placed.get(micro) else ():
                print(comment, placed[micro], repr(said.get("excerpt")), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(subscribe(*sys.argv[1:]))
