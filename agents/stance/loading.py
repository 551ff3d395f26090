"""The model that the settings name, with a head for the targets that have one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.errors import SettingsError
from agents.stance.head import HeadModel, read_head
from agents.stance.model import Question, StanceModel, StatementModel, Verdict
from agents.stance.readers import WEIGHTS, CrossEncoderReader, OnnxReader
from agents.stance.settings import SHIPPED, StanceSettings

__all__ = ["Panel", "load_model", "load_panel"]

Encode = Callable[[Sequence[str]], NDArray[np.float32]]


class Panel:
    """Lets each target be judged by its own head, and every other one by the common model."""

    def __init__(self, common: StanceModel, heads: Mapping[str, StanceModel]) -> None:
        self.name = common.name
        self._common = common
        self._heads = heads

    def judge(self, questions: Sequence[Question]) -> list[Verdict]:
        """Return one verdict a question, in order."""
        found: dict[int, Verdict] = {}
        for judge in (self._common, *self._heads.values()):
            places = [place for place, each in enumerate(questions) if self._of(each) is judge]
            verdicts = judge.judge([questions[place] for place in places])
            found.update(zip(places, verdicts, strict=True))
        return [found[place] for place in range(len(questions))]

    def _of(self, question: Question) -> StanceModel:
        return self._heads.get(question.target.id, self._common)


def load_model(settings: StanceSettings) -> StatementModel:
    """Load the model that the settings name.

    Raises
    ------
    EncoderError
        If it can't be loaded or has no classes of stance.
    """
    if settings.model == SHIPPED or (Path(settings.model) / "model.onnx").exists():
        folder = WEIGHTS if settings.model == SHIPPED else Path(settings.model)
        ours = OnnxReader(folder, threads=settings.threads, max_tokens=settings.max_tokens)
        return StatementModel(
            ours, ours.card.calibration, settings.piece_tokens, settings.max_pieces, settings.batch_size
        )
    other = CrossEncoderReader(settings.model, settings.hypothesis_template, settings.max_tokens)
    return StatementModel(other, None, settings.piece_tokens, settings.max_pieces, settings.batch_size)


def load_panel(settings: StanceSettings, encode: Encode, encoder: str) -> StanceModel:
    """Load the model and the heads that the settings name.

    Parameters
    ----------
    encode, encoder
        The encoder's, for heads, and its name.

    Raises
    ------
    EncoderError
        If a model or head can't be loaded or was trained over another encoder.
    SettingsError
        If a head is for no target of the settings.
    """
    known = {target.id for target in settings.judged}
    heads: dict[str, StanceModel] = {}
    for file in settings.heads:
        head = read_head(Path(file))
        if head.target not in known:
            raise SettingsError(
                f"stance.heads names {file!r} for the target {head.target!r}; stance.targets has "
                f"{', '.join(sorted(known)) or 'none'}. Add that target, or remove the head."
            )
        heads[head.target] = HeadModel(head, encode, encoder)
    return Panel(load_model(settings), heads)
