"""The audit is clean on a deployment that is right, and fails on one dropped, doubled or altered record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from agents.agent import Message
from agents.embedding.settings import EmbeddingSettings
from agents.records import (
    Assignment,
    Cluster,
    Comment,
    Embedded,
    Judgement,
    MicroDelta,
    Pause,
    Placement,
    Record,
    Sketch,
    encode,
)
from streams.audit import audit, check_offsets
from streams.audit_reader import count_lag
from streams.evidence import Check, Evidence, Log

NOON = datetime(2025, 3, 10, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
SETTINGS = EmbeddingSettings()

SAID = (
    Comment(id="a", text="first words", created_at="2025-03-10T12:00:00Z", discussion="d"),
    Comment(id="b", text="", discussion="d"),
    Comment(id="a", text="other words", created_at="2025-03-10T12:00:01Z", discussion="d"),
    Comment(id="c", text="stays", created_at="2025-03-10T12:00:02Z", discussion="d"),
    Comment(id="r", text="goes", created_at="2025-03-10T12:00:03Z", discussion="d"),
    Comment(id="a", text="other words", created_at="2025-03-10T12:00:01Z", discussion="d"),
    Comment(id="r", deleted=True, discussion="d"),
)
"""An edit, a rejected one, an unchanged repeat and a retraction, at the offsets 0 to 6 of partition 0."""

TIMES = {2: NOON + timedelta(seconds=1), 3: NOON + timedelta(seconds=2), 4: NOON + timedelta(seconds=3)}


def message(
    record: Record | bytes | None, offset: int, key: str | None = None, partition: int = 0, **headers: str
) -> Message:
    value = encode(record) if isinstance(record, Record) else record
    return Message(
        value=value,
        key=None if key is None else key.encode(),
        partition=partition,
        offset=offset,
        timestamp=LATER.timestamp() + offset,
        headers=tuple((name, text.encode()) for name, text in headers.items()),
    )


def assignment(id_: str, offset: int, micro: str, excerpt: str) -> Assignment:
    return Assignment(
        id=id_,
        event_time=TIMES[offset],
        micro=micro,
        cluster="c1",
        similarity=0.5,
        novelty=0.5,
        partition=0,
        offset=offset,
        encoder="e",
        version="0",
        discussion="d",
        excerpt=excerpt,
    )


def delta(micro: str, count: int) -> MicroDelta:
    return MicroDelta(micro=micro, count=count, weight=count, sums=b"", first=NOON, last=NOON)


def sketch(seq: int, *deltas: MicroDelta) -> Sketch:
    return Sketch(stage="assign", partition=0, seq=seq, tick=NOON, micros=deltas)


def cluster(id_: str, count: int) -> Cluster:
    return Cluster(
        id=id_,
        state="live",
        label="l",
        tick=NOON,
        born=NOON,
        last_heard=NOON,
        count=count,
        weight=1.0,
        share=1.0,
    )


def embedded(comment: Comment, offset: int) -> Embedded:
    return Embedded(
        id=comment.id,
        text=comment.text or "",
        event_time=NOON,
        vector=b"",
        encoder="e",
        partition=0,
        offset=offset,
    )


def log(*messages: Message) -> Log:
    return Log(messages, {0: 0})


def right() -> Evidence:
    """Return what seven records leave behind when nothing goes wrong."""
    return Evidence(
        comments=log(*(message(said, n, "d") for n, said in enumerate(SAID))),
        rejected=log(
            message(
                encode(SAID[1]), 0, "d", origin_topic="x.comments", origin_partition="0", origin_offset="1"
            )
        ),
        embedded=log(
            *(message(embedded(said, n), n) for n, said in enumerate(SAID) if n != 1),
            message(Pause(partition=0, offset=6), 7),
        ),
        assignments=log(
            message(
                replace_in(assignment("a", 2, "0-1", "first words"), event_time=NOON, offset=0),
                0,
                "a",
            ),
            message(assignment("a", 2, "0-2", "other words"), 1, "a"),
            message(assignment("c", 3, "0-2", "stays"), 2, "c"),
            message(assignment("r", 4, "0-1", "goes"), 3, "r"),
            message(None, 4, "r"),
        ),
        placements=log(
            message(Placement(micro="0-1", cluster="c1", since=NOON), 0, "0-1"),
            message(Placement(micro="0-2", cluster="c1", since=NOON), 1, "0-2"),
        ),
        clusters=log(message(cluster("c1", 3), 0, "c1"), message(cluster("c1", 2), 1, "c1")),
        sketches=log(
            message(sketch(0, delta("0-1", 2), delta("0-2", 1)), 0, "assign:0"),
            message(sketch(1, delta("0-1", -2), delta("0-2", 1)), 1, "assign:0"),
        ),
        committed={("comments", 0): 7, ("embedded", 0): 7, ("sketches", 0): 2},
        checkpoints={("assign", 0): 6, ("chart", 0): 1},
    )


def replace_in(record: Record, **changes: object) -> Record:
    return msgspec.structs.replace(record, **changes)


def without(log: Log, offset: int) -> Log:
    return replace(log, messages=[m for m in log.messages if m.offset != offset])


def altered(log: Log, offset: int, change: Callable[[Message], Message]) -> Log:
    return replace(log, messages=[change(m) if m.offset == offset else m for m in log.messages])


def changed_place(message: Message, **changes: object) -> Message:
    assert message.value is not None
    record = msgspec.json.decode(message.value, type=Assignment)
    return msgspec.structs.replace(message, value=encode(msgspec.structs.replace(record, **changes)))


def found(evidence: Evidence) -> set[tuple[Check, str]]:
    return {(each.check, each.subject) for each in audit(evidence, SETTINGS).findings}


def test_a_deployment_that_is_right_is_clean_and_counted() -> None:
    report = audit(right(), SETTINGS)

    assert report.findings == []
    assert report.is_clean
    assert report.notes == []
    assert report.counts == {
        "comments": 7,
        "rejected": 1,
        "ids": 3,
        "retracted": 1,
        "assigned": 2,
        "clusters": 1,
    }


def test_a_dropped_assignment_is_missing_and_the_counts_tell() -> None:
    evidence = right()

    assert found(replace(evidence, assignments=without(evidence.assignments, 2))) == {
        ("missing", "c"),
        ("miscounted", "c1"),
        ("miscounted", "0-2"),
    }


def test_a_comment_that_nobody_sent_is_told() -> None:
    evidence = right()

    assert ("unsent", "c") in found(replace(evidence, comments=without(evidence.comments, 3)))


@pytest.mark.parametrize(
    "copy",
    [
        message(assignment("c", 3, "0-2", "stays"), 5, "c-again"),
        message(assignment("c", 3, "0-2", "stays"), 0, "c", partition=1),
    ],
)
def test_an_assignment_under_a_second_key_or_in_a_second_partition_is_doubled(copy: Message) -> None:
    evidence = right()
    assignments = replace(evidence.assignments, messages=[*evidence.assignments.messages, copy])

    assert ("doubled", "c") in found(replace(evidence, assignments=assignments))


def test_an_assignment_published_twice_under_its_key_is_as_good_as_once() -> None:
    evidence = right()
    again = message(assignment("c", 3, "0-2", "stays"), 5, "c")
    assignments = replace(evidence.assignments, messages=[*evidence.assignments.messages, again])

    assert found(replace(evidence, assignments=assignments)) == set()


@pytest.mark.parametrize(
    "changes",
    [
        {"offset": 2},
        {"event_time": NOON},
        {"discussion": "elsewhere"},
        {"excerpt": "says something else"},
        {"source": "invented"},
    ],
)
def test_an_assignment_that_does_not_say_what_its_comment_says_is_altered(changes: dict[str, object]) -> None:
    evidence = right()
    assignments = altered(evidence.assignments, 2, lambda m: changed_place(m, **changes))

    assert found(replace(evidence, assignments=assignments)) == {("altered", "c")}


def test_an_assignment_moved_to_another_micro_cluster_is_miscounted_there_and_here() -> None:
    evidence = right()
    assignments = altered(evidence.assignments, 2, lambda m: changed_place(m, micro="0-1"))

    assert found(replace(evidence, assignments=assignments)) == {
        ("miscounted", "0-1"),
        ("miscounted", "0-2"),
    }


def test_the_assignment_of_an_earlier_text_is_altered() -> None:
    evidence = right()

    assert ("altered", "a") in found(replace(evidence, assignments=without(evidence.assignments, 1)))


def test_an_assignment_from_the_unchanged_repeat_is_as_good_as_from_the_first() -> None:
    evidence = right()
    assignments = altered(evidence.assignments, 1, lambda m: changed_place(m, offset=5))

    assert found(replace(evidence, assignments=assignments)) == set()


def test_a_retracted_comment_that_is_still_assigned_or_judged_is_told() -> None:
    evidence = right()
    judgement = Judgement(
        id="r",
        target="t",
        side="favor",
        confidence=1.0,
        model="m",
        event_time=NOON,
        micro="0-1",
        partition=0,
        offset=4,
        version="0",
    )

    still = found(replace(evidence, assignments=without(evidence.assignments, 4)))
    judged = found(replace(evidence, judgements=log(message(judgement, 0, "r:t"))))

    assert ("retracted", "r") in still
    assert judged == {("retracted", "r")}


@pytest.mark.parametrize("count", [1, 3])
def test_a_cluster_that_counts_one_more_or_one_less_is_miscounted(count: int) -> None:
    evidence = right()
    clusters = altered(
        evidence.clusters, 1, lambda m: msgspec.structs.replace(m, value=encode(cluster("c1", count)))
    )

    assert found(replace(evidence, clusters=clusters)) == {("miscounted", "c1")}


def test_a_dropped_placement_is_miscounted() -> None:
    evidence = right()

    assert found(replace(evidence, placements=without(evidence.placements, 1))) == {("miscounted", "c1")}


def test_a_dropped_sketch_is_a_gap_and_a_second_content_too() -> None:
    evidence = right()
    other = message(sketch(1, delta("0-1", -1), delta("0-2", 1)), 2, "assign:0")
    both = replace(evidence.sketches, messages=[*evidence.sketches.messages, other])

    assert ("gap", "assign:0") in found(replace(evidence, sketches=without(evidence.sketches, 0)))
    assert ("gap", "assign:0") in found(replace(evidence, sketches=both))


def test_a_sketch_published_twice_counts_once() -> None:
    evidence = right()
    again = msgspec.structs.replace(evidence.sketches.messages[1], offset=2)
    sketches = replace(evidence.sketches, messages=[*evidence.sketches.messages, again])

    assert found(replace(evidence, sketches=sketches)) == set()


def test_an_offset_committed_before_its_outcome_is_early() -> None:
    evidence = right()

    assert [
        each.subject for each in check_offsets(replace(evidence, embedded=without(evidence.embedded, 3)))
    ] == ["comments:0"]
    assert list(check_offsets(replace(evidence, rejected=Log()))) != []


@pytest.mark.parametrize("place", [("embedded", 0), ("sketches", 0)])
def test_an_offset_committed_beyond_the_checkpoint_is_early(place: tuple[str, int]) -> None:
    evidence = right()
    committed = {**evidence.committed, place: evidence.committed[place] + 1}

    (finding,) = check_offsets(replace(evidence, committed=committed))

    assert (finding.check, finding.subject) == ("early", f"{place[0]}:0")


def test_a_comment_that_a_later_stage_rejected_needs_no_assignment() -> None:
    evidence = right()
    dead = message(
        encode(embedded(SAID[3], 3)),
        1,
        "d",
        stage="assign",
        origin_topic="x.embedded",
        origin_partition="0",
        origin_offset="2",
    )
    rejected = replace(evidence.rejected, messages=[*evidence.rejected.messages, dead])

    told = found(replace(evidence, rejected=rejected, assignments=without(evidence.assignments, 2)))

    assert ("missing", "c") not in told


def test_what_retention_has_dropped_is_not_held_against_anybody() -> None:
    evidence = right()
    kept = Log([m for m in evidence.comments.messages if m.offset > 3], {0: 4})

    report = audit(replace(evidence, comments=kept), SETTINGS)

    assert report.findings == []
    assert report.notes == ["comments: the oldest have expired, counts of clusters were not compared"]


@pytest.mark.parametrize(
    ("subscribed", "lag", "n_unread"),
    [
        ({"comments", "embedded", "sketches"}, 3, 7),
        ({"comments", "embedded", "debated", "sketches"}, 10, 0),
        (set(), 10, 0),
    ],
    ids=["workers without a target", "workers with one", "no workers"],
)
def test_what_lies_in_debated_waits_for_nobody_where_no_worker_has_a_target(
    subscribed: set[str], lag: int, n_unread: int
) -> None:
    standings = {
        ("comments", 0): (5, 8),
        ("comments", 1): (9, 9),
        ("debated", 0): (0, 4),
        ("debated", 1): (2, 5),
    }

    assert count_lag(standings, subscribed) == (lag, n_unread)
