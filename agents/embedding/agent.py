"""EMBED: validate, clean, encode; what can't be used goes to the dead letters with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from agents.agent import Emission, Message
from agents.embedding.encoder import Encoder, Matrix
from agents.embedding.settings import EmbeddingSettings
from agents.embedding.text import Checked, check
from agents.errors import EncodingError, RejectedError
from agents.records import Embedded, Pause

__all__ = ["Embed", "rejection"]

BATCHES_TOGETHER = 8
"""Batches of the network taken at once: sorted by length, each holds texts of like length."""

SHORTEST_ROW = 0.5
"""A row of unit length has length 1; one below this has none: no token of the text is known."""


class Embed:
    """Give every comment its vector; has no state.

    What it emits goes to the partition number that it came from, in order.
    """

    def __init__(self, encoder: Encoder, settings: EmbeddingSettings) -> None:
        self._encoder = encoder
        self._settings = settings

    @property
    def encoder(self) -> str:
        """Name of the model that makes the vectors."""
        return self._encoder.name

    @property
    def batch_size(self) -> int:
        """Messages that are worth taking together."""
        return self._settings.batch_size * BATCHES_TOGETHER

    def step(self, batch: Sequence[Message]) -> list[Emission]:
        """Embed the batch; one emission a message, in order."""
        checked = [self._check(message) for message in batch]
        texts = [each.text for each in checked if isinstance(each, Checked) and each.text]
        rows = iter(self._encode(texts))
        return [
            each if isinstance(each, Emission) else self._emit(message, each, rows=rows)
            for message, each in zip(batch, checked, strict=True)
        ]

    def pause(self, partition: int, offset: int) -> Emission:
        """Say that the partition was read up to ``offset`` and stays silent."""
        return Emission("embedded", None, Pause(partition=partition, offset=offset), partition)

    def _check(self, message: Message) -> Checked | Emission:
        try:
            return check(message, self._settings)
        except RejectedError as error:
            return rejection(message, "embed", error)

    def _encode(self, texts: list[str]) -> list[Matrix | EncodingError]:
        """Encode the texts; one that breaks the encoder is found by halving."""
        if not texts:
            return []
        try:
            return list(self._encoder.encode(texts))
        except MemoryError:
            raise
        except Exception as cause:
            if len(texts) == 1:
                error = EncodingError(
                    f"a text of {len(texts[0])} characters breaks the encoder {self._encoder.name} "
                    f"({cause!r}). Mend or drop it, or choose another embedding.encoder.",
                    "unencodable",
                )
                error.__cause__ = cause
                return [error]
            middle = len(texts) // 2
            return self._encode(texts[:middle]) + self._encode(texts[middle:])

    def _emit(self, message: Message, checked: Checked, rows: object) -> Emission:
        comment = checked.comment
        vector = b""
        if checked.text:
            row = next(rows)  # type: ignore[call-overload]
            if isinstance(row, EncodingError):
                return rejection(message, "embed", row)
            length = float(np.linalg.norm(row))
            if not np.isfinite(length) or length < SHORTEST_ROW:
                error = EncodingError(
                    f"the encoder {self._encoder.name} knows no token of a text of {len(checked.text)} "
                    "characters. Choose an embedding.encoder that reads its language.",
                    "unencodable",
                )
                return rejection(message, "embed", error)
            vector = row.astype("<f2").tobytes()
        record = Embedded(
            id=comment.id,
            text=checked.text,
            event_time=checked.event_time,
            vector=vector,
            encoder=self._encoder.name,
            partition=message.partition,
            offset=message.offset,
            discussion=comment.discussion,
            discussion_title=comment.discussion_title,
            parent=comment.parent,
            author=comment.author,
            source=comment.source,
            lang=comment.lang,
            url=comment.url,
            deleted=comment.deleted,
            truncated=checked.truncated,
        )
        origin = (("origin_time_ms", str(round(message.timestamp * 1000)).encode()),)
        return Emission("embedded", message.key, record, message.partition, origin)


def rejection(message: Message, stage: str, error: RejectedError) -> Emission:
    """Return the dead letter of a message: its bytes untouched, the rest in headers."""
    at = datetime.fromtimestamp(message.timestamp, UTC)
    ours = {
        "stage": stage,
        "reason": error.reason,
        "exception": f"{type(error).__name__}: {error}",
        "origin_topic": message.topic,
        "origin_partition": str(message.partition),
        "origin_offset": str(message.offset),
        "origin_time": at.isoformat(),
    }
    headers = tuple((name, value.encode()) for name, value in ours.items())
    return Emission("comments.rejected", message.key, message.value, None, headers)
