"""Writes ``config/asyncapi.yaml`` and ``config/schemas/`` from the records and the topics.

Run ``python -m streams.asyncapi`` after a change to either; a test fails where the files differ.
"""

from __future__ import annotations

import inspect
import sys
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

import msgspec
import yaml

from agents import records
from agents.errors import REASONS
from agents.records import Pause, Record
from streams.contracts import EVENT_TYPES
from streams.field_words import words
from streams.topics import TOPICS, Topic

__all__ = ["asyncapi", "documents", "schema"]

KAFKA_BINDING: Final = "0.5.0"
DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
PAUSED: Final = ("embedded", "debated")
"""Topics that also carry pauses."""

READ: Final = ("comments",)
"""Topics that Groundswell reads and others write."""

JOINING: Final = """\
Groundswell groups a stream of comments into live topics and says which side comments take.

**The settled cluster of a comment.** `assignments` says `micro` (final) and `cluster` (what was known on
arrival; without a `chart_tick` it is what the chart will most probably say, and the first sixteen of a
micro-cluster come again once it has). Clusters merge and split by moving micro-clusters: `placements`,
compacted, says where each one is now. So join `assignments.micro` with the latest
`placements` of that key.

**The present** is in the compacted topics: read `clusters`, `placements` and `assignments` from their
beginning, and keep the last record of every key. **The past** is in `pulse` (every tick: shares, counts,
sides, measures) and `lineage` (emerged, merged, split, faded).

**Rules.** Read with `isolation.level=read_committed`. Delivery is at least once: the same record may
come twice with the same `ce_id`; keep the last record of a key. A record without a value (tombstone)
erases its key: forget the text. Ids of clusters and micro-clusters are never used again. Ignore fields
that you don't know: changes are additive. Times are UTC. Every topic name begins with the prefix of the
deployment, `groundswell.` unless set.
"""


def schema(topic: Topic) -> dict[str, Any]:
    """JSON Schema of a topic's values, complete in itself.

    Raises
    ------
    ValueError
        If the topic carries no records of ours.
    """
    if topic.value is None:
        raise ValueError(f"{topic.name} carries bytes as they came; there is no schema of them.")
    types_ = _types(topic)
    made, components = msgspec.json.schema_components(types_, ref_template="#/$defs/{name}")
    parts = _explained(components)
    top = made[0] if len(made) == 1 else {"anyOf": list(made)}
    return {"$schema": DRAFT, "title": topic.name, "description": topic.purpose, **top, "$defs": parts}


def asyncapi() -> dict[str, Any]:
    """Give the AsyncAPI document of a deployment."""
    public = [topic for topic in TOPICS.values() if topic.is_public]
    kinds = sorted({kind for topic in public for kind in _types(topic)}, key=lambda kind: kind.__name__)
    _, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    extras = [_extra("cluster", "assignments"), _extra("stance", "judgements")]
    channels = {topic.name: _channel(topic) for topic in public} | dict(extras)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Groundswell",
            "version": "1.0.0",
            "description": JOINING,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "localhost:9092",
                "protocol": "kafka",
                "description": "Apache Kafka, as `broker.url` says; the embedded one prints its address.",
            }
        },
        "channels": channels,
        "operations": {_operation(name): _acts(name) for name in channels},
        "components": {
            "schemas": _explained(components) | {"Bytes": _BYTES},
            "messages": dict(
                _message(topic, kind) for topic in public for kind in (_types(topic) or (None,))
            ),
            "messageTraits": {"cloudEvent": _CLOUD_EVENT},
        },
    }


def documents() -> dict[str, str]:
    """Every generated file, by its path under ``config/``."""
    made = {"asyncapi.yaml": _yaml(asyncapi())}
    for topic in TOPICS.values():
        if topic.value is not None and topic.is_public:
            body = msgspec.json.format(msgspec.json.encode(schema(topic)), indent=2).decode()
            made[f"schemas/{topic.name}.json"] = body + "\n"
    return made


_BYTES: Final = {"description": "Bytes as they came; they may be no JSON at all."}

_CLOUD_EVENT: Final = {
    "name": "cloudEvent",
    "description": "CloudEvents 1.0 in binary mode: the attributes are headers, the value is the data.",
    "headers": {
        "type": "object",
        "required": ["ce_id", "ce_source", "ce_type", "ce_specversion", "content-type"],
        "properties": {
            "ce_id": {"type": "string", "description": "The same where a record is delivered twice."},
            "ce_source": {"type": "string", "description": "`/deployment/topic`."},
            "ce_type": {
                "type": "string",
                "description": f"{', '.join(EVENT_TYPES.values())}; with `.deleted` on a tombstone.",
            },
            "ce_specversion": {"type": "string", "const": "1.0"},
            "ce_time": {"type": "string", "format": "date-time", "description": "Event time, where known."},
            "content-type": {"type": "string"},
        },
    },
}


def _types(topic: Topic) -> tuple[type[Record], ...]:
    """Return the records that a topic carries."""
    if topic.value is None:
        return ()
    return (topic.value, Pause) if topic.name in PAUSED else (topic.value,)


def _channel(topic: Topic) -> dict[str, Any]:
    config = topic.config()
    told: dict[str, Any] = {"cleanup.policy": config["cleanup.policy"].split(",")}
    for name in ("retention.ms", "delete.retention.ms", "max.message.bytes"):
        if name in config:
            told[name] = int(config[name])
    binding: dict[str, Any] = {"topic": f"groundswell.{topic.name}", "topicConfiguration": told}
    if topic.is_single:
        binding["partitions"] = 1
    names = [kind.__name__ for kind in _types(topic)] or ["Rejected"]
    return {
        "address": f"groundswell.{topic.name}",
        "title": topic.name,
        "description": f"{topic.purpose} Key: {topic.key}. {_kept(topic)}",
        "messages": {name: {"$ref": f"#/components/messages/{_message_name(topic, name)}"} for name in names},
        "bindings": {"kafka": {**binding, "bindingVersion": KAFKA_BINDING}},
    }


def _kept(topic: Topic) -> str:
    if topic.cleanup == "compact":
        return "The last record of every key is kept."
    days = "for ever" if topic.retention_seconds is None else f"{topic.retention_seconds // 86_400} days"
    kept = f"Kept {days}"
    return f"{kept}, of every key only the last." if "compact" in topic.cleanup else f"{kept}."


def _extra(kind: str, origin: str) -> tuple[str, dict[str, Any]]:
    """Channel of the topics of single clusters or sides."""
    what = "cluster.{cluster}" if kind == "cluster" else "stance.{target}.{side}"
    parameters: dict[str, Any] = (
        {"cluster": {"description": "Id of a live cluster, `c0-42`."}}
        if kind == "cluster"
        else {
            "target": {"description": "Id of a stance target."},
            "side": {"description": "The side.", "enum": ["favor", "against", "none"]},
        }
    )
    value = TOPICS[origin].value
    assert value is not None
    name = value.__name__
    return f"{kind}.one", {
        "address": f"groundswell.{what}",
        "title": what,
        "description": f"The `{origin}` of one {kind}; off unless asked for, gone with it. Key: as there. A "
        "tombstone: the comment was edited and belongs elsewhere, or taken back.",
        "parameters": parameters,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {"kafka": {"bindingVersion": KAFKA_BINDING}},
    }


def _operation(channel: str) -> str:
    verb = "read" if channel in READ else "publish"
    return verb + "".join(part.title() for part in channel.split("."))


def _acts(channel: str) -> dict[str, Any]:
    return {
        "action": "receive" if channel in READ else "send",
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": "Groundswell reads what others write here."
        if channel in READ
        else "Groundswell publishes here; subscribe to it.",
    }


def _message_name(topic: Topic, kind: str) -> str:
    return f"{topic.name}Pause" if kind == "Pause" else kind


def _message(topic: Topic, kind: type[Record] | None) -> tuple[str, dict[str, Any]]:
    name = kind.__name__ if kind is not None else "Rejected"
    made: dict[str, Any] = {
        "name": name,
        "title": name,
        "summary": _first_line(kind) if kind is not None else topic.purpose,
        "contentType": "application/json" if kind is not None else "application/octet-stream",
        "payload": {"$ref": f"#/components/schemas/{name if kind is not None else 'Bytes'}"},
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": topic.key},
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }
    if kind is None:
        made["headers"] = _rejected_headers()
    return _message_name(topic, name), made


def _rejected_headers() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "stage": {"type": "string", "description": "Who rejected it."},
            "reason": {"type": "string", "enum": list(REASONS)},
            "exception": {"type": "string", "description": "The value, the bound and the remedy."},
            "origin_topic": {"type": "string"},
            "origin_partition": {"type": "string"},
            "origin_offset": {"type": "string"},
            "origin_time": {"type": "string", "format": "date-time"},
        },
    }


def _first_line(kind: type) -> str:
    return (inspect.getdoc(kind) or "").split("\n", 1)[0]


def _explained(components: Mapping[str, Any]) -> dict[str, Any]:
    """Schemas with the meaning of every field, and the format of every time."""
    made = {}
    for name, part in components.items():
        kind = getattr(records, name)
        hints = get_type_hints(kind)
        properties = {}
        for field, value in part.get("properties", {}).items():
            told = _with_format(value) if _is_time(hints.get(field)) else value
            meaning = words(name, field)
            properties[field] = {"description": meaning, **told} if meaning and "$ref" not in told else told
        made[name] = part | {"description": inspect.getdoc(kind) or "", "properties": properties}
    return made


def _is_time(hint: Any) -> bool:
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return hint is datetime or (is_union and datetime in get_args(hint))


def _with_format(value: Mapping[str, Any]) -> dict[str, Any]:
    if "anyOf" in value:
        options = [_with_format(one) if one.get("type") == "string" else one for one in value["anyOf"]]
        return {**value, "anyOf": options}
    return {**value, "format": "date-time"}


class _Dumper(yaml.SafeDumper):
    """Plain YAML: no aliases, and paragraphs as paragraphs."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything where it is."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _yaml(document: Mapping[str, Any]) -> str:
    head = "# Made by `python -m streams.asyncapi` from the records; don't edit.\n"
    plain = msgspec.to_builtins(document)
    return head + yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def write(config: Path) -> list[Path]:
    """Write every document under a folder and return their paths."""
    paths = []
    for name, text in documents().items():
        path = config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


if __name__ == "__main__":
    for written in write(Path(__file__).parents[1] / "config"):
        sys.stdout.write(f"{written}\n")
