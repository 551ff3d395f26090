"""Readers: our own network in int8, and any Sentence Transformers CrossEncoder."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.errors import EncoderError
from agents.stance.model import Calibration

__all__ = ["WEIGHTS", "Card", "CrossEncoderReader", "OnnxReader", "read_card", "roles"]

Wide = NDArray[np.float64]

WEIGHTS: Final = Path(__file__).parent / "weights"
"""Where the shipped model lies."""

ROLES: Final = {
    "support": "support supports entailment entail entails favor favour for pro agree positive yes",
    "oppose": (
        "oppose opposes contradiction contradict contradicts against con disagree negative no "
        "not_entailment notentailment non_entailment"
    ),
    "open": "neutral none neither unrelated other discuss comment unknown irrelevant",
}
"""What classes of entailment and stance are called, by what they say."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside the weights for the program; the card for people is its README."""

    name: str
    labels: dict[str, str]
    max_tokens: int
    temperature: float
    template: str = "{}"
    """How a statement is put to the network; `{}` stands for the statement."""

    @property
    def calibration(self) -> Calibration:
        """How sure the reader's differences are."""
        return Calibration(self.temperature)


def read_card(folder: Path = WEIGHTS) -> Card:
    """Read the card beside the weights.

    Raises
    ------
    EncoderError
        If the folder holds no model of ours.
    """
    path = folder / "model.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Card)
    except (OSError, msgspec.DecodeError) as cause:
        raise EncoderError(
            f"{str(folder)!r} holds no stance model ({cause}). Reinstall Groundswell, or write one with "
            "`groundswell stance fit`."
        ) from cause


class OnnxReader:
    """Our network, int8, on ONNX Runtime: one row a call.

    The scales of int8 are taken from what is read, so rows that shared a call would change
    each other; and no call is padded.

    Parameters
    ----------
    folder
        Holds `model.onnx`, `tokenizer.json` and `model.json`.
    threads
        Threads that one row is read with.
    max_tokens
        Tokens of both texts together; the end of the first is cut off.

    Raises
    ------
    EncoderError
        If the folder holds no model of ours.
    """

    def __init__(self, folder: Path = WEIGHTS, threads: int = 1, max_tokens: int = 128) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        self.card = read_card(folder)
        self.name = self.card.name
        self._places = _ordered(roles(self.card.labels, self.name))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as cause:
            raise EncoderError(
                f"the stance model in {str(folder)!r} can't be loaded ({cause}). Reinstall Groundswell."
            ) from cause
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(min(max_tokens, self.card.max_tokens), strategy="only_first")

    def read(self, pairs: Sequence[tuple[str, str]]) -> Wide:
        """Return (n, 3) probabilities of support, oppose, open."""
        rows = np.zeros((len(pairs), 3))
        for row, (text, statement) in zip(rows, pairs, strict=True):
            row[:] = self._read_one(text, self.card.template.replace("{}", statement))
        return rows

    def n_tokens(self, text: str) -> int:
        """Return how many tokens a text has, special ones left out and none cut off."""
        pieces = self._tokenizer.pre_tokenizer.pre_tokenize_str(
            self._tokenizer.normalizer.normalize_str(text)
        )
        return sum(len(self._tokenizer.model.tokenize(word)) for word, _ in pieces)

    def _read_one(self, text: str, statement: str) -> Wide:
        coded = self._tokenizer.encode(text, statement)
        feeds = {
            "input_ids": np.array([coded.ids], dtype=np.int64),
            "token_type_ids": np.array([coded.type_ids], dtype=np.int64),
        }
        logits = self._session.run(None, feeds)[0][0]
        return _softmax(logits[self._places])


class CrossEncoderReader:
    """Any Sentence Transformers CrossEncoder with classes of entailment or stance, one row a call.

    Parameters
    ----------
    name
        Name or folder of the model.
    template
        How a statement is put to it; `{}` stands for the statement.
    max_tokens
        Tokens of both texts together.

    Raises
    ------
    EncoderError
        If it can't be loaded, or has no class of support and no class of opposition.
    """

    def __init__(self, name: str, template: str = "{}", max_tokens: int = 128) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        from sentence_transformers import CrossEncoder
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        transformers_logging.set_verbosity_error()
        try:
            self._model = CrossEncoder(
                name, device="cpu", max_length=max_tokens, local_files_only=Path(name).exists()
            )
        except Exception as cause:
            raise EncoderError(
                f"stance.model is {name!r}, which can't be loaded ({cause}). Give the name or folder of a "
                "Sentence Transformers CrossEncoder, or 'groundswell', which is installed with Groundswell."
            ) from cause
        self.name = Path(name).name if Path(name).exists() else name
        self._template = template
        labels = {str(place): label for place, label in self._model.config.id2label.items()}
        self._places = _ordered(roles(labels, name))

    def read(self, pairs: Sequence[tuple[str, str]]) -> Wide:
        """Return (n, 3) probabilities of support, oppose, open; open is 0 for two classes."""
        put = [(text, self._template.replace("{}", statement)) for text, statement in pairs]
        logits = [self._logits(pair) for pair in put]
        rows = np.zeros((len(pairs), 3))
        for row, each in zip(rows, logits, strict=True):
            row[: len(self._places)] = _softmax(each[self._places])
        return rows

    def n_tokens(self, text: str) -> int:
        """Return how many tokens a text has, special ones left out and none cut off."""
        coded = self._model.tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)
        return len(coded["input_ids"])

    def _logits(self, pair: tuple[str, str]) -> Wide:
        import torch

        raw: Any = self._model.predict(
            [pair],
            batch_size=1,
            show_progress_bar=False,
            activation_fn=torch.nn.Identity(),
            convert_to_numpy=True,
        )
        return np.asarray(raw[0], dtype=np.float64)


def roles(labels: Mapping[str, str], model: str) -> dict[str, int]:
    """Return the place of each role among a model's classes.

    Parameters
    ----------
    labels
        Class names by their number, as `id2label` has them.

    Raises
    ------
    EncoderError
        If support or opposition is missing, or a class has a name that is neither.

    Examples
    --------
    >>> roles({"0": "contradiction", "1": "ENTAILMENT", "2": "neutral"}, "nli")
    {'oppose': 0, 'support': 1, 'open': 2}
    """
    found: dict[str, int] = {}
    for place, label in labels.items():
        word = re.sub(r"[\s-]+", "_", label.strip().lower())
        for role, names in ROLES.items():
            if word in names.split() and role not in found:
                found[role] = int(place)
    if not {"support", "oppose"} <= set(found) or len(found) != len(labels):
        raise EncoderError(
            f"stance.model {model!r} has the classes {json.dumps(list(labels.values()))}; needed are two or "
            "three that say entailment or support, contradiction or against, and neutral. Choose one for "
            "natural language inference or stance, or name its classes in id2label of its config.json."
        )
    return found


def _ordered(found: Mapping[str, int]) -> list[int]:
    return [found[role] for role in ROLES if role in found]


def _softmax(logits: NDArray[Any]) -> Wide:
    wide = np.asarray(logits, dtype=np.float64)
    powers = np.exp(wide - wide.max())
    shares: Wide = powers / powers.sum()
    return shares
