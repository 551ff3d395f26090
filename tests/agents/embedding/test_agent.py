"""EMBED: records in, records out, without a broker."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from agents.agent import Message
from agents.embedding.agent import Embed
from agents.embedding.encoder import Matrix
from agents.embedding.settings import EmbeddingSettings
from agents.records import Embedded, Pause


class Ones:
    """Points every text along the same diagonal; breaks on a text that holds ``boom``."""

    name = "ones"
    dimensions = 4

    def __init__(self) -> None:
        self.calls: list[int] = []

    def encode(self, texts: Sequence[str]) -> Matrix:
        self.calls.append(len(texts))
        if any("boom" in text for text in texts):
            raise RuntimeError("no")
        rows = np.full((len(texts), 4), 0.5, dtype=np.float32)
        rows[[text == "void" for text in texts]] = 0.0
        return rows


def messages(*texts: str) -> list[Message]:
    return [
        Message(
            value=json.dumps({"id": str(n), "text": text}).encode(),
            key=b"k",
            topic="comments",
            partition=3,
            offset=n,
        )
        for n, text in enumerate(texts)
    ]


def test_every_comment_leaves_in_order_for_the_partition_that_it_came_from() -> None:
    emissions = Embed(Ones(), EmbeddingSettings()).step(messages("a", "b", "c"))

    records = [emission.record for emission in emissions]
    assert all(isinstance(record, Embedded) for record in records)
    assert [record.offset for record in records if isinstance(record, Embedded)] == [0, 1, 2]
    assert {(e.topic, e.partition, e.key) for e in emissions} == {("embedded", 3, b"k")}


def test_a_vector_travels_as_float16() -> None:
    (emission,) = Embed(Ones(), EmbeddingSettings()).step(messages("a"))

    assert isinstance(emission.record, Embedded)
    assert np.frombuffer(emission.record.vector, "<f2").tolist() == [0.5, 0.5, 0.5, 0.5]


def test_a_text_that_breaks_the_encoder_is_found_and_the_rest_goes_on() -> None:
    encoder = Ones()
    sent = messages("a", "b", "boom", "d", "void")

    emissions = Embed(encoder, EmbeddingSettings()).step(sent)

    assert [e.topic for e in emissions] == [
        "embedded",
        "embedded",
        "comments.rejected",
        "embedded",
        "comments.rejected",
    ]
    assert encoder.calls == [5, 2, 3, 1, 2]
    assert emissions[2].record == sent[2].value
    headers = dict(emissions[2].headers)
    assert headers["reason"] == b"unencodable"
    assert (headers["origin_partition"], headers["origin_offset"]) == (b"3", b"2")


def test_a_retraction_passes_without_a_vector() -> None:
    retraction = Message(value=b'{"id": "a", "deleted": true}')

    (emission,) = Embed(Ones(), EmbeddingSettings()).step([retraction])

    assert isinstance(emission.record, Embedded)
    assert emission.record.deleted
    assert emission.record.vector == b""


def test_a_pause_says_how_far_the_partition_was_read() -> None:
    emission = Embed(Ones(), EmbeddingSettings()).pause(2, 41)

    assert emission.partition == 2
    assert emission.record == Pause(partition=2, offset=41)
