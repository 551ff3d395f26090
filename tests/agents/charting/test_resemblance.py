from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from agents.charting.resemblance import STEP, Resemblance, rounded

Singles = NDArray[np.float32]

DIMENSIONS, N_WORDS = 48, 200


def drawn(chance: np.random.Generator, n: int) -> tuple[Singles, Singles]:
    """Return means of comments that are alike, and of their words, most of which are missing."""
    means = chance.normal(size=(n, DIMENSIONS)) + 0.5
    words = chance.normal(size=(n, N_WORDS)) * (chance.random((n, N_WORDS)) < 0.1)
    lengths = [np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9) for rows in (means, words)]
    return (means / lengths[0]).astype(np.float32), (words / lengths[1]).astype(np.float32)


def compared(means: Singles, words: Singles) -> Resemblance:
    """Return what a chart that was just restored compares."""
    made, n = Resemblance(0.3), len(means)
    made.put(np.arange(n), n, means, words)
    made.compare(np.arange(n), n)
    return made


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_what_is_kept_is_to_the_bit_what_comparing_everything_gives(seed: int) -> None:
    chance = np.random.default_rng(seed)
    n = int(chance.integers(1, 40))
    means, words = drawn(chance, n)
    kept = compared(means, words)
    for _ in range(6):
        stay = np.flatnonzero(chance.random(n) < 0.9)
        kept.keep(stay)
        n = len(stay) + int(chance.integers(0, 12))
        fresh_means, fresh_words = drawn(chance, n)
        changed = np.flatnonzero((np.arange(n) >= len(stay)) | (chance.random(n) < 0.2))
        fresh_means[: len(stay)], fresh_words[: len(stay)] = means[stay], words[stay]
        means, words = fresh_means, fresh_words
        means[changed], words[changed] = drawn(chance, len(changed))
        kept.put(changed, n, means[changed], words[changed])
        kept.compare(changed, n)

    shared = rounded(0.4 * means.mean(axis=0)) if n else None
    anew = compared(means, words)
    assert kept.pairs(n).tobytes() == anew.pairs(n).tobytes()
    assert kept.pairs(n, shared).tobytes() == anew.pairs(n, shared).tobytes()


def test_the_mean_pair_without_what_is_shared_and_without_comments_paired_with_themselves() -> None:
    """A row's mean square is that of all pairs of its comments; of n, n are a comment with itself."""
    chance = np.random.default_rng(3)
    vectors = chance.normal(size=(5, DIMENSIONS)) + 1.0
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made, shared = Resemblance(0.0), rounded(0.5 * vectors.mean(axis=0))
    made.put(np.arange(1), 1, vectors.mean(axis=0)[None].astype(np.float32), np.zeros((1, N_WORDS)))
    made.compare(np.arange(1), 1)

    n, rest = len(vectors), vectors - shared
    pairs = (rest @ rest.T)[~np.eye(n, dtype=bool)]
    found = (n * made.pairs(1, shared)[0, 0] - made.selves(1, shared)[0]) / (n - 1)
    assert found == pytest.approx(pairs.mean(), abs=2e-3)
    assert made.selves(1).tolist() == [1.0]


def test_similarity_is_that_of_embeddings_and_of_words_by_their_part() -> None:
    means, words = drawn(np.random.default_rng(5), 30)

    found = compared(means, words).pairs(30)

    assert found == pytest.approx(0.7 * means @ means.T + 0.3 * words @ words.T, abs=2e-3)
    assert (found == found.T).all()


def test_what_all_share_is_taken_out_of_the_embeddings() -> None:
    means, words = drawn(np.random.default_rng(6), 30)
    shared = rounded(means.mean(axis=0))

    found = compared(means, words).pairs(30, shared)

    own = means - shared
    assert found == pytest.approx(0.7 * own @ own.T + 0.3 * words @ words.T, abs=2e-3)


def test_rounding_keeps_to_whole_steps_and_makes_nothing_longer_than_one() -> None:
    found = rounded(np.array([[0.6, 0.8, 0.0], [30.0, 0.0, 40.0], [0.0, 0.0, 0.0]], np.float32))

    assert (found / STEP % 1 == 0).all()
    assert found == pytest.approx(np.array([[0.6, 0.8, 0.0], [0.6, 0.0, 0.8], [0.0, 0.0, 0.0]]), abs=STEP / 2)
