"""What travels: every record on every topic, validated on reading, JSON on the wire.

::

    Record
    ├── Comment       comments      as it was fed
    ├── Embedded      embedded      a comment with its vector
    ├── Pause         embedded, debated   the partition fell silent, or a tick is over
    ├── Assignment    assignments   the place of one comment
    ├── Debated       debated       a comment that is about a target
    ├── Judgement     judgements    the side that it takes
    ├── Sketch        sketches      the additive summary of a tick of one partition
    │   ├── MicroDelta    per micro-cluster
    │   └── StanceDelta   per target, micro-cluster and side
    ├── Cluster       clusters      a live topic
    ├── Placement     placements    the cluster of a micro-cluster
    ├── Lineage       lineage       emerged, merged, split, faded
    ├── Drift         drift         a measure, an alarm, an all-clear
    └── Pulse         pulse         the whole discussion at one tick

Changes are additive; ``v`` counts what isn't. Times are UTC, written in ISO 8601.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = [
    "Assignment",
    "Cluster",
    "Comment",
    "Debated",
    "Discussed",
    "Drift",
    "Embedded",
    "Exemplar",
    "Judgement",
    "Lineage",
    "LineageEvent",
    "MicroDelta",
    "Moved",
    "Pause",
    "Placement",
    "Pulse",
    "Record",
    "RunnerUp",
    "Side",
    "Sketch",
    "Slice",
    "StanceDelta",
    "decode",
    "encode",
]

Side = Literal["favor", "against", "none"]
LineageEvent = Literal["emerged", "merged", "split", "faded"]

MOST_CHARACTERS = 512
"""Characters of an id or a name: summaries list hundreds of them in one record."""

CommentId = Annotated[
    str, Meta(min_length=1, max_length=MOST_CHARACTERS, description="Unique in a deployment.")
]
Name = Annotated[str, Meta(max_length=MOST_CHARACTERS)]
MicroId = Annotated[str, Meta(description="Partition and a counter: `3-17`. Never used again.")]
ClusterId = Annotated[
    str, Meta(description="`c` and the micro-cluster that founded it: `c0-42`. Never used again.")
]
Vector16 = Annotated[bytes, Meta(description="Little-endian float16, unit length, base64 in JSON.")]
Vector32 = Annotated[bytes, Meta(description="Little-endian float32, base64 in JSON.")]


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Base of everything that travels."""

    v: int = 1


class Comment(Record, frozen=True, kw_only=True):
    """A comment as a feed writes it; a retraction needs only ``id`` and ``deleted``.

    ``discussion_title`` is shown up to its 300th character.
    """

    id: CommentId
    text: str | None = None
    created_at: str | int | float | None = None
    discussion: Name | None = None
    discussion_title: str | None = None
    parent: Name | None = None
    author: Name | None = None
    source: Name | None = None
    lang: Name | None = None
    url: str | None = None
    deleted: bool = False


class Embedded(Record, frozen=True, kw_only=True, tag_field="kind", tag="comment"):
    """A comment, cleaned, with its vector and the offset that it came from.

    ``vector`` is empty for a retraction (``deleted``).
    """

    id: str
    text: str
    event_time: datetime
    vector: Vector16
    encoder: str
    partition: int
    offset: int
    discussion: str | None = None
    discussion_title: str | None = None
    parent: str | None = None
    author: str | None = None
    source: str | None = None
    lang: str | None = None
    url: str | None = None
    deleted: bool = False
    truncated: bool = False


class Pause(Record, frozen=True, kw_only=True, tag_field="kind", tag="pause"):
    """The partition was read to its end and stayed silent; or, with ``closed``, that tick is over.

    ``offset`` is the last offset of ``comments`` that was read, -1 where there was none.
    """

    partition: int
    offset: int
    closed: datetime | None = None


class RunnerUp(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Another micro-cluster that the comment could have joined."""

    micro: MicroId
    similarity: float
    cluster: ClusterId | None = None


class Assignment(Record, frozen=True, kw_only=True):
    """The place of one comment.

    ``cluster`` is what the latest placement said on arrival; while the micro-cluster has none, the one
    that it will most probably be placed in: then ``chart_tick`` is null, and the first sixteen of a
    micro-cluster come again with what the chart has said.
    """

    id: str
    event_time: datetime
    micro: MicroId
    cluster: ClusterId | None
    similarity: float
    novelty: float
    partition: int
    offset: int
    encoder: str
    version: str
    chart_tick: datetime | None = None
    runners_up: tuple[RunnerUp, ...] = ()
    discussion: str | None = None
    source: str | None = None
    url: str | None = None
    excerpt: str | None = None


class Debated(Record, frozen=True, kw_only=True, tag_field="kind", tag="comment"):
    """A comment about one or more targets, for the JUDGE.

    ``targets`` is empty for an edit that is about none any more; ``deleted`` marks a retraction.
    """

    id: str
    text: str
    event_time: datetime
    micro: MicroId
    targets: tuple[str, ...]
    partition: int
    offset: int
    parent_text: str | None = None
    discussion: str | None = None
    discussion_title: str | None = None
    source: str | None = None
    lang: str | None = None
    deleted: bool = False


class Judgement(Record, frozen=True, kw_only=True):
    """The side that one comment takes toward one target."""

    id: str
    target: str
    side: Side
    confidence: Annotated[float, Meta(ge=0, le=1)]
    model: str
    event_time: datetime
    micro: MicroId
    partition: int
    offset: int
    version: str
    statement: str | None = None
    discussion: str | None = None
    source: str | None = None
    excerpt: str | None = None


class Exemplar(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A comment that shows what its cluster is about."""

    id: str
    text: str
    similarity: float = 0.0


class MicroDelta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What one tick changed in one micro-cluster; adds up over ticks and partitions.

    ``count`` is signed and exact. ``weight``, ``sums`` and ``lexical`` are faded to the end of
    the tick and add up after fading what was there before; a correction makes them negative.
    ``sums`` is the weighted sum of the embeddings (d values). ``lexical`` is the same of the
    hashed words, sparse: read it with `agents.clustering.sketch.unpack_lexical`. ``terms`` are
    signed counts of comments by word, for labels. ``exemplars`` don't add: they replace those
    known before, and are empty where they did not change.
    """

    micro: MicroId
    count: int
    weight: float
    sums: Vector32
    first: datetime
    last: datetime
    lexical: bytes = b""
    terms: dict[str, int] = {}
    exemplars: tuple[Exemplar, ...] = ()
    discussions: dict[str, int] = {}
    sources: dict[str, int] = {}


class StanceDelta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Signed count of one side toward one target in one micro-cluster."""

    target: str
    micro: MicroId
    side: Side
    count: int
    exemplars: tuple[Exemplar, ...] = ()


class Sketch(Record, frozen=True, kw_only=True):
    """One part of the summary of one tick of one partition.

    ``seq`` counts the parts of a stage and partition from 0 without a gap. ``last`` marks the
    part that ends the (part of the) tick. ``idle`` says that the partition fell silent; a
    partition that has heard nothing says so with the tick of 1970. ``late`` counts the comments
    of this part whose own tick had closed. ``gone`` are micro-clusters that this partition gave
    up (evicted or emptied): their ids are never used again. ``retracted`` are ids whose text must
    not be shown any more (retractions and edits). ``sample`` are vectors for drift, ``novelty``
    counts the part's comments by tenths of novelty, ``titles`` names discussions. ``encoder`` is
    empty while there was no vector.
    """

    stage: Literal["assign", "judge"]
    partition: int
    seq: int
    tick: datetime
    last: bool = True
    idle: bool = False
    late: int = 0
    micros: tuple[MicroDelta, ...] = ()
    gone: tuple[MicroId, ...] = ()
    retracted: tuple[str, ...] = ()
    sample: tuple[Vector16, ...] = ()
    novelty: tuple[int, ...] = ()
    stances: tuple[StanceDelta, ...] = ()
    titles: dict[str, str] = {}
    encoder: str = ""


class Discussed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """How much of a cluster lies in one discussion."""

    discussion: str
    count: int
    title: str | None = None


class Cluster(Record, frozen=True, kw_only=True):
    """A live topic as the chart knows it at one tick.

    ``count`` is exact; ``weight`` is faded; ``share`` is its part of the faded weight of all
    traffic, in 0..1; ``trend`` is the change of that share over the last hour of event time.
    """

    id: ClusterId
    state: Literal["live", "merged", "faded"]
    label: str
    tick: datetime
    born: datetime
    last_heard: datetime
    count: int
    weight: float
    share: float
    trend: float = 0.0
    keywords: tuple[str, ...] = ()
    exemplars: tuple[Exemplar, ...] = ()
    parent: str | None = None
    into: ClusterId | None = None
    sides: dict[str, dict[str, int]] = {}
    side_exemplars: dict[str, dict[str, tuple[Exemplar, ...]]] = {}
    discussions: tuple[Discussed, ...] = ()
    sources: dict[str, int] = {}
    centroid: Vector16 = b""


class Placement(Record, frozen=True, kw_only=True):
    """The cluster that a micro-cluster belongs to, and since which tick."""

    micro: MicroId
    cluster: ClusterId
    since: datetime


class Lineage(Record, frozen=True, kw_only=True):
    """One event in the life of a cluster, with its evidence.

    ``cluster`` is the one that it happened to; ``other`` the one it merged into or was split from.
    """

    id: str
    event: LineageEvent
    cluster: ClusterId
    at: datetime
    other: ClusterId | None = None
    label: str = ""
    weight: float = 0.0
    other_weight: float | None = None
    similarity: float | None = None
    micros: tuple[MicroId, ...] = ()


class Moved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A cluster or side with its part in a change."""

    kind: Literal["cluster", "side", "measure"]
    id: str
    label: str
    part: float
    before: float | None = None
    after: float | None = None


class Drift(Record, frozen=True, kw_only=True):
    """A measure of one tick, an alarm on it, or its all-clear."""

    measure: str
    at: datetime
    state: Literal["value", "alarm", "clear"]
    value: float | None
    baseline: float | None = None
    subject: str | None = None
    window_start: datetime | None = None
    window_end: datetime | None = None
    reference_start: datetime | None = None
    n_comments: int = 0
    since: datetime | None = None
    strength: float | None = None
    moved: tuple[Moved, ...] = ()


class Slice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One cluster in a pulse."""

    id: ClusterId
    label: str
    share: float
    weight: float
    count: int
    in_tick: int = 0
    sides: dict[str, dict[str, int]] = {}


class Pulse(Record, frozen=True, kw_only=True):
    """The whole discussion at the end of one tick.

    ``measures`` are the drift measures by the names of `agents.drift.measures`, undefined ones left
    out; ``strengths`` says how near each watched one is to its alarm (1 raises it), ``alarms`` which
    stand. ``window_start`` and ``reference_start`` are where the two windows of event time begin,
    None while there aren't comments enough. ``novelty`` counts comments by tenths of novelty.
    ``sides`` counts by target and side in this tick; ``balance`` per target is
    (favor - against) / (favor + against) over the current window.
    """

    tick: datetime
    comments: int
    unassigned: int
    total: int
    n_micros: int
    n_clusters: int
    late: int = 0
    idle: bool = False
    clusters: tuple[Slice, ...] = ()
    measures: dict[str, float] = {}
    strengths: dict[str, float] = {}
    alarms: tuple[str, ...] = ()
    window_start: datetime | None = None
    reference_start: datetime | None = None
    events: dict[str, int] = {}
    novelty: tuple[int, ...] = ()
    sides: dict[str, dict[str, int]] = {}
    sides_total: dict[str, dict[str, int]] = {}
    balance: dict[str, float] = {}
    polarisation: dict[str, float] = {}
    encoder: str = ""


_encoder = msgspec.json.Encoder(order="deterministic")


def encode(record: Record) -> bytes:
    """Write a record as JSON, keys in the order of its fields, dictionaries sorted."""
    return _encoder.encode(record)


def decode(value: bytes, kind: type[Record]) -> Record:
    """Read a record, validated.

    Raises
    ------
    msgspec.ValidationError
        If a field is missing or of a wrong type; the message has the path of what is wrong.
    msgspec.DecodeError
        If the bytes aren't JSON.
    """
    return msgspec.json.decode(value, type=kind)
