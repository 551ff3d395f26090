"""Counts again, from the topics alone, whether every comment has exactly one place.

::

    comments, comments.rejected ─▶ what should be there ─┐
    assignments, judgements ─────▶ what is there ────────┼─▶ findings
    placements, clusters, sketches ▶ what was counted ───┤
    committed offsets, checkpoints ▶ what was promised ──┘

Everything here is a function of records that were read (`streams.audit_reader` reads them): a
dropped, a doubled and an altered record each make it fail, and tests hold it to that. It judges a
deployment at rest; while comments are on their way only `check_offsets` means anything.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from agents.agent import Message
from agents.embedding.settings import EmbeddingSettings
from agents.embedding.text import check
from agents.errors import RejectedError
from agents.records import Assignment, Cluster, Comment, Embedded, Judgement, Pause, Placement, Sketch
from streams.evidence import Evidence, Finding, Log, Report

__all__ = ["accepted", "audit", "check_offsets"]


@dataclass(frozen=True, slots=True)
class Said:
    """One accepted record of ``comments``."""

    partition: int
    offset: int
    text: str | None
    """Cleaned; None for a retraction."""
    event_time: datetime
    comment: Comment


Histories = Mapping[str, Sequence[Said]]

STATEFUL: Final = {"embedded": "assign", "debated": "judge", "sketches": "chart"}
"""The agent whose checkpoint must include what is committed of a topic."""

CUT: Final = "…"
"""What an excerpt may end with."""

_assignment = msgspec.json.Decoder(Assignment)
_judgement = msgspec.json.Decoder(Judgement)
_placement = msgspec.json.Decoder(Placement)
_cluster = msgspec.json.Decoder(Cluster)
_sketch = msgspec.json.Decoder(Sketch)
_embedded = msgspec.json.Decoder(Embedded | Pause)


def audit(evidence: Evidence, settings: EmbeddingSettings) -> Report:
    """Judge a deployment at rest.

    Parameters
    ----------
    evidence
        All that its topics keep.
    settings
        How comments are read; those of the deployment.

    Returns
    -------
    Report
        Clean when every accepted comment has exactly one live assignment that says what the comment
        says, nothing else has one, and all counts agree with the recount.
    """
    histories = accepted(evidence, settings)
    places = {key: _assignment.decode(value) for key, value in _latest(evidence.assignments).items()}
    findings = [
        *check_doubled(evidence.assignments),
        *check_assignments(histories, places, evidence.comments),
        *check_judgements(histories, evidence.judgements, evidence.comments),
        *check_sketches(evidence.sketches),
        *check_offsets(evidence),
    ]
    notes: list[str] = []
    if evidence.comments.is_complete and evidence.assignments.is_complete:
        findings.extend(check_clusters(places, evidence.placements, evidence.clusters))
        if evidence.sketches.is_complete:
            findings.extend(check_micro_counts(places, evidence.sketches))
        else:
            notes.append("sketches: the oldest have expired, counts by micro-cluster were not compared")
    else:
        notes.append("comments: the oldest have expired, counts of clusters were not compared")
    return Report(findings, _counts(evidence, histories, places), notes)


def accepted(evidence: Evidence, settings: EmbeddingSettings) -> dict[str, list[Said]]:
    """Return what was said under each id, the latest last: all records but the rejected ones.

    Records of one id share a partition and its order; where a foreign writer has spread them, their
    timestamps decide.
    """
    dead = set(_rejected_origins(evidence.rejected))
    found: dict[str, list[tuple[float, Said]]] = defaultdict(list)
    for message in evidence.comments.messages:
        if (message.partition, message.offset) in dead:
            continue
        try:
            checked = check(message, settings)
        except RejectedError:
            continue
        comment = checked.comment
        text = None if comment.deleted else checked.text
        said = Said(message.partition, message.offset, text, checked.event_time, comment)
        found[comment.id].append((message.timestamp, said))
    for said_of_id in found.values():
        if len({said.partition for _, said in said_of_id}) > 1:
            said_of_id.sort(key=lambda pair: pair[0])
    return {id_: [said for _, said in pairs] for id_, pairs in found.items()}


def check_assignments(
    histories: Histories, places: Mapping[str, Assignment], comments: Log
) -> Iterator[Finding]:
    """Every live comment has its assignment, which says what it says; nothing else has one."""
    for id_, history in histories.items():
        place, last = places.get(id_), history[-1]
        if last.text is None:
            if place is not None:
                yield Finding("retracted", id_, f"was retracted, but is assigned to {place.micro}")
        elif place is None:
            yield Finding("missing", id_, f"accepted at {last.partition}:{last.offset}, but not assigned")
        elif _is_kept(place, comments):
            yield from _check_content(id_, place, history)
    for id_, place in places.items():
        if id_ not in histories and _is_kept(place, comments):
            yield Finding("unsent", id_, f"assigned to {place.micro}, but no accepted comment has this id")


def check_doubled(assignments: Log) -> Iterator[Finding]:
    """Each comment is assigned under one key, its id, in one partition."""
    homes: dict[str, set[int]] = defaultdict(set)
    for message in assignments.messages:
        key = _key(message)
        homes[key].add(message.partition)
        if message.value is not None and (id_ := _assignment.decode(message.value).id) != key:
            yield Finding("doubled", id_, f"is assigned under the key {key!r} as well")
    for key, partitions in homes.items():
        if len(partitions) > 1:
            yield Finding("doubled", key, f"has assignments in partitions {sorted(partitions)}")


def check_judgements(histories: Histories, judgements: Log, comments: Log) -> Iterator[Finding]:
    """No retracted or unknown comment takes a side."""
    for value in _latest(judgements).values():
        judgement = _judgement.decode(value)
        history = histories.get(judgement.id)
        if history is None:
            if _is_kept(judgement, comments):
                yield Finding("unsent", judgement.id, f"judged on {judgement.target}, but was never accepted")
        elif history[-1].text is None:
            yield Finding("retracted", judgement.id, f"was retracted, but is judged on {judgement.target}")


def check_clusters(places: Mapping[str, Assignment], placements: Log, clusters: Log) -> Iterator[Finding]:
    """Compare the exact count of every live cluster with the assignments that placements join to it."""
    known = {key: _cluster.decode(value) for key, value in _latest(clusters).items()}
    cluster_of = {key: _placement.decode(value).cluster for key, value in _latest(placements).items()}
    recount = Counter(cluster_of[place.micro] for place in places.values() if place.micro in cluster_of)
    for id_, cluster in known.items():
        if cluster.state == "live" and cluster.count != recount[id_]:
            yield Finding(
                "miscounted", id_, f"counts {cluster.count} comments; {recount[id_]} are assigned to it"
            )
    for micro, id_ in cluster_of.items():
        if id_ in known and known[id_].state == "merged":
            yield Finding("miscounted", micro, f"is placed in {id_}, which has merged into {known[id_].into}")


def check_micro_counts(places: Mapping[str, Assignment], sketches: Log) -> Iterator[Finding]:
    """Compare what the signed counts of all sketches add up to with the assignments of each micro-cluster."""
    counted: Counter[str] = Counter()
    for sketch in _unique_sketches(sketches):
        for delta in sketch.micros:
            counted[delta.micro] += delta.count
    recount = Counter(place.micro for place in places.values())
    for micro in sorted(counted.keys() | recount.keys()):
        if counted[micro] != recount[micro]:
            yield Finding(
                "miscounted", micro, f"sketches count {counted[micro]}; {recount[micro]} are assigned to it"
            )


def check_sketches(sketches: Log) -> Iterator[Finding]:
    """Sketches are numbered without a gap, and a repeated number repeats its content."""
    contents: dict[tuple[str, int], dict[int, bytes]] = defaultdict(dict)
    for message in sketches.messages:
        if message.value is None:
            continue
        sketch = _sketch.decode(message.value)
        source = contents[sketch.stage, sketch.partition]
        if source.setdefault(sketch.seq, message.value) != message.value:
            subject = f"{sketch.stage}:{sketch.partition}"
            yield Finding("gap", subject, f"number {sketch.seq} was published with two contents")
    for (stage, partition), source in contents.items():
        first = min(source) if not sketches.is_complete else 0
        lost = sorted(set(range(first, max(source) + 1)) - source.keys())
        if lost:
            yield Finding(
                "gap", f"{stage}:{partition}", f"numbers {lost[:5]} of {max(source) + 1} are missing"
            )


def check_offsets(evidence: Evidence) -> Iterator[Finding]:
    """No offset is committed beyond what was confirmed; true at every moment, not only at rest.

    A committed comment has an outcome, in ``embedded`` or among the dead letters; what is committed
    of the input of a stateful agent is included in its checkpoint.
    """
    done = {(e.partition, e.offset) for e in _embedded_records(evidence.embedded)}
    done.update(_origins(evidence.rejected, "comments"))
    for message in evidence.comments.messages:
        place = (message.partition, message.offset)
        is_old = message.offset < evidence.comments.begins.get(message.partition, 0)
        committed = evidence.committed.get(("comments", message.partition), 0)
        if message.offset < committed and place not in done and not is_old and evidence.embedded.is_complete:
            yield Finding(
                "early", f"comments:{message.partition}", f"{message.offset} is committed without an outcome"
            )
    for (topic, partition), committed in evidence.committed.items():
        agent = STATEFUL.get(topic)
        if agent is None or not committed:
            continue
        included = evidence.checkpoints.get((agent, partition), -1)
        if committed > included + 1:
            yield Finding(
                "early",
                f"{topic}:{partition}",
                f"committed up to {committed}, the checkpoint of {agent} includes up to {included}",
            )


def _check_content(id_: str, place: Assignment, history: Sequence[Said]) -> Iterator[Finding]:
    """Check that an assignment comes from the comment's last text and repeats what it says."""
    said = _source(place, history)
    if said is None:
        last = history[-1]
        at = f"{place.partition}:{place.offset}"
        yield Finding(
            "altered", id_, f"assigned from {at}; its last text is at {last.partition}:{last.offset}"
        )
        return
    for name, there, wanted in (
        ("event_time", place.event_time, said.event_time),
        ("discussion", place.discussion, said.comment.discussion),
        ("source", place.source, said.comment.source),
        ("url", place.url, said.comment.url),
    ):
        if there != wanted:
            yield Finding("altered", id_, f"{name} is {there!r} in its assignment, {wanted!r} in the comment")
    if place.excerpt is not None and not (said.text or "").startswith(
        place.excerpt.removesuffix(CUT).rstrip()
    ):
        yield Finding("altered", id_, "the excerpt in its assignment is not how its text begins")


def _is_kept(made: Assignment | Judgement, comments: Log) -> bool:
    """Whether the comment that it was made from has not expired."""
    return made.offset >= comments.begins.get(made.partition, 0)


def _source(place: Assignment, history: Sequence[Said]) -> Said | None:
    """Return the record that an assignment names, if it is one of those with the last text."""
    for said in reversed(history):
        if said.text != history[-1].text:
            return None
        if (said.partition, said.offset) == (place.partition, place.offset):
            return said
    return None


def _latest(log: Log) -> dict[str, bytes]:
    """Return the last value of every key that is not a tombstone."""
    values: dict[str, bytes] = {}
    for message in log.messages:
        if message.value is None:
            values.pop(_key(message), None)
        else:
            values[_key(message)] = message.value
    return values


def _rejected_origins(rejected: Log) -> Iterator[tuple[int, int]]:
    """Yield partition and offset in ``comments`` of all that was rejected, at whatever stage."""
    yield from _origins(rejected, "comments")
    for message in rejected.messages:
        if message.value is None or not _header(message, "origin_topic").endswith("embedded"):
            continue
        try:
            record = _embedded.decode(message.value)
        except msgspec.MsgspecError:
            continue
        if isinstance(record, Embedded):
            yield record.partition, record.offset


def _origins(rejected: Log, topic: str) -> Iterator[tuple[int, int]]:
    for message in rejected.messages:
        if _header(message, "origin_topic").endswith(topic):
            yield int(_header(message, "origin_partition")), int(_header(message, "origin_offset"))


def _embedded_records(embedded: Log) -> Iterator[Embedded]:
    for message in embedded.messages:
        if message.value is not None and isinstance(record := _embedded.decode(message.value), Embedded):
            yield record


def _unique_sketches(sketches: Log) -> Iterable[Sketch]:
    unique: dict[tuple[str, int, int], Sketch] = {}
    for message in sketches.messages:
        if message.value is not None:
            sketch = _sketch.decode(message.value)
            unique[sketch.stage, sketch.partition, sketch.seq] = sketch
    return unique.values()


def _key(message: Message) -> str:
    return (message.key or b"").decode(errors="replace")


def _header(message: Message, name: str) -> str:
    return dict(message.headers).get(name, b"").decode()


def _counts(evidence: Evidence, histories: Histories, places: Mapping[str, Assignment]) -> dict[str, int]:
    retracted = sum(history[-1].text is None for history in histories.values())
    return {
        "comments": len(evidence.comments.messages),
        "rejected": len(evidence.rejected.messages),
        "ids": len(histories),
        "retracted": retracted,
        "assigned": len(places),
        "clusters": len(_latest(evidence.clusters)),
    }
