"""Every encoder passes one contract; all run on real weights."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from agents.embedding.encoder import Encoder, load_encoder
from agents.embedding.settings import EmbeddingSettings
from agents.errors import EncoderError

TEXTS = ["The tram is late again.", "Again the tram came late.", "My cat likes fish.", "le chat", "x " * 5000]


@pytest.fixture(scope="module", params=["all-MiniLM-L6-v2", "static"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return load_encoder(EmbeddingSettings(encoder=request.param))


def test_rows_are_finite_of_unit_length_and_in_order(encoder: Encoder) -> None:
    rows = encoder.encode(TEXTS)

    assert rows.shape == (len(TEXTS), encoder.dimensions)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-4)
    backwards = encoder.encode(TEXTS[::-1])[::-1]
    assert (rows * backwards).sum(axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-3)


def test_what_means_the_same_lies_near(encoder: Encoder) -> None:
    late, again, cat = encoder.encode(TEXTS[:3])

    assert late @ again > late @ cat + 0.3


def test_no_text_gives_no_row(encoder: Encoder) -> None:
    assert encoder.encode([]).size == 0


def test_what_stages_encode_at_once_is_what_they_encode_alone(encoder: Encoder) -> None:
    comments = [f"Comment {n} on the tram. {TEXTS[n % 3]}" for n in range(96)]
    alone = encoder.encode(comments)

    with ThreadPoolExecutor(3) as stages:
        together = list(stages.map(encoder.encode, [comments] * 3))

    for rows in together:
        np.testing.assert_allclose(rows, alone, atol=1e-5)


def test_a_model_that_is_not_there_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"embedding\.encoder is .* Give the folder"):
        load_encoder(EmbeddingSettings(encoder=str(tmp_path)))
