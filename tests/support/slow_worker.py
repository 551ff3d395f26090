"""A worker whose encoder takes its time: ``python -m tests.support.slow_worker worker ...``."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Final

import streams.app
from agents.embedding.encoder import Encoder, Matrix, load_encoder
from agents.embedding.settings import EmbeddingSettings
from streams.cli import main

SECONDS: Final = float(os.environ.get("SLOW_BATCH_SECONDS", "0.5"))
"""What each batch takes longer."""

SECONDS_PER_TEXT: Final = float(os.environ.get("SLOW_TEXT_SECONDS", "0"))
"""What each text takes longer."""


class SlowEncoder:
    """Gives what another encoder gives, later."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.name = encoder.name
        self.dimensions = encoder.dimensions

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Wait, in the executor where encoding runs, and encode."""
        time.sleep(SECONDS + SECONDS_PER_TEXT * len(texts))
        return self._encoder.encode(texts)


def load_slowly(settings: EmbeddingSettings) -> Encoder:
    """Return the encoder that the settings name, slowed down."""
    return SlowEncoder(load_encoder(settings))


if __name__ == "__main__":
    streams.app.load_encoder = load_slowly  # type: ignore[attr-defined]
    main()
