from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agents.records import Assignment, Placement, encode
from streams.contracts import EVENT_TYPES, event_type, headers
from streams.topics import TOPICS

NOON = datetime(2025, 3, 10, 12, tzinfo=UTC)
PLACED = Placement(micro="0-1", cluster="c1", since=NOON)


def assignment(**changes: object) -> Assignment:
    fields: dict[str, object] = {
        "id": "a1",
        "event_time": NOON,
        "micro": "0-1",
        "cluster": None,
        "similarity": 0.5,
        "novelty": 0.5,
        "partition": 0,
        "offset": 7,
        "encoder": "static",
        "version": "0.1.0",
    }
    return Assignment(**(fields | changes))  # type: ignore[arg-type]


class TestHeaders:
    def test_every_required_attribute_of_a_cloud_event_is_there(self) -> None:
        made = dict(headers("placements", "0-1", PLACED))

        assert set(made) == {"ce_id", "ce_source", "ce_type", "ce_specversion", "ce_time", "content-type"}
        assert made["ce_specversion"] == b"1.0"
        assert made["ce_type"] == b"groundswell.placement.v1"
        assert made["ce_source"] == b"/groundswell/placements"
        assert made["ce_time"] == b"2025-03-10T12:00:00+00:00"
        assert made["content-type"] == b"application/json"

    def test_what_is_published_twice_carries_one_id(self) -> None:
        first = dict(headers("assignments", "a1", assignment()))
        again = dict(headers("assignments", "a1", assignment()))

        assert first["ce_id"] == again["ce_id"]

    def test_the_encoded_value_gives_the_same_headers_as_the_record(self) -> None:
        record = assignment()

        assert headers("assignments", "a1", record, value=encode(record)) == headers(
            "assignments", "a1", record
        )

    @pytest.mark.parametrize("other", [assignment(cluster="c1"), assignment(offset=8), assignment(id="a2")])
    def test_another_event_carries_another_id(self, other: Assignment) -> None:
        first = dict(headers("assignments", "a1", assignment()))

        assert dict(headers("assignments", other.id, other))["ce_id"] != first["ce_id"]

    def test_a_second_retraction_is_an_event_of_its_own(self) -> None:
        first = dict(headers("assignments", "a1", None))
        second = dict(headers("assignments", "a1", None))

        assert first["ce_type"] == b"groundswell.assignment.v1.deleted"
        assert first["ce_id"] != second["ce_id"]

    def test_a_dead_letter_is_bytes_and_not_json(self) -> None:
        made = dict(headers("comments.rejected", None, b"\xff\xfe"))

        assert made["content-type"] == b"application/octet-stream"
        assert made["ce_id"]

    def test_a_dead_letter_without_a_value_is_no_deletion(self) -> None:
        assert dict(headers("comments.rejected", None, None))["ce_type"] == b"groundswell.comment.rejected.v1"

    def test_the_source_names_the_deployment(self) -> None:
        made = dict(headers("placements", "0-1", PLACED, deployment="newsroom"))

        assert made["ce_source"] == b"/newsroom/placements"


class TestEventTypes:
    def test_every_public_topic_has_a_type(self) -> None:
        assert set(EVENT_TYPES) == {topic.name for topic in TOPICS.values() if topic.is_public}

    def test_extra_topics_carry_the_types_of_their_origin(self) -> None:
        assert event_type("cluster.c42") == "groundswell.assignment.v1"
        assert event_type("stance.ring.favor") == "groundswell.judgement.v1"
