"""Train the shipped model: a first stage on entailment, then contrasts of stance.

Every step is a function of the seed and its number, and a checkpoint holds all that a step
needs, so a run that was stopped goes on as if it had not been.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agents.bounds import check_bounds
from agents.stance.corpus import Contrast, Corpus, contrasts, entailments

__all__ = ["LABELS", "FitSettings", "Step", "fit"]

LABELS: Final = ("support", "oppose", "neutral")
"""Classes of the network, in their order."""
_PLACE: Final = {"support": 0, "oppose": 1, "open": 2}

SORTED_BATCHES: Final = 40
"""Batches whose rows are sorted by length together: nine tenths of the padding go, chance stays."""


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How the network is trained.

    Raises
    ------
    SettingsError
        If a value is out of its range.
    """

    epochs: int = 2
    """Passes over the contrasts of stance."""
    seed: int = 1
    """Decides what is drawn, in which order, and the new layer's first weights."""
    batch_size: int = 32
    """Texts per step; each is read beside both its statements."""
    learning_rate: float = 8e-5
    """Highest rate of the stance stage; it rises over 6 % of the steps and falls to 2 % of itself."""
    first_learning_rate: float = 1e-4
    """The same of the entailment stage."""
    pole_weight: float = 1.0
    """Weight of the loss on the difference of the poles, which is what judging reads."""
    class_weight: float = 0.5
    """Weight of the loss on the three classes."""
    frozen_layers: int = 2
    """Layers of six, from below, that stay as they are in the stance stage; embeddings always do."""
    max_tokens: int = 128
    """Tokens of both texts together; attention costs more than twice as much at 256."""
    threads: int = 2
    """Threads of PyTorch on a CPU."""
    checkpoint_steps: int = 250
    """Steps between two checkpoints: a few minutes on two cores."""

    def __post_init__(self) -> None:
        """Check every value."""
        check_bounds(
            "stance fit",
            self,
            epochs=(1, 100),
            batch_size=(1, 4096),
            learning_rate=(1e-7, 1e-2),
            first_learning_rate=(1e-7, 1e-2),
            pole_weight=(0, 100),
            class_weight=(0, 100),
            frozen_layers=(0, 6),
            max_tokens=(32, 512),
            threads=(1, 256),
            checkpoint_steps=(1, 1_000_000),
        )


@dataclass(frozen=True, slots=True)
class Step:
    """How far a run is."""

    stage: str
    number: int
    of: int
    loss: float
    told_apart: float
    """Share of the step's texts that lean to the right one of their two statements; nan without any."""


def fit(
    corpus: Corpus,
    base: str,
    folder: Path,
    settings: FitSettings | None = None,
    progress: Callable[[Step], None] = lambda step: None,
) -> Path:
    """Train and return the folder of the trained network, in PyTorch.

    Parameters
    ----------
    base
        Folder of the encoder to start from.
    folder
        Where checkpoints and the result are kept; a run that finds its checkpoint there goes on.
    progress
        Told of every step.
    """
    import torch

    chosen = settings or FitSettings()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(chosen.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network, tokenizer = _load(base)
    network.to(device).train()
    _freeze(network, 0)
    if corpus.entailments:
        first = list(
            _batches(entailments(corpus, chosen.seed), chosen.batch_size * 2, random.Random(chosen.seed))
        )
        _Run(network, tokenizer, chosen, "entailment", chosen.first_learning_rate, folder).go(first, progress)
    _freeze(network, chosen.frozen_layers)
    steps = [
        batch
        for epoch in range(chosen.epochs)
        for batch in _batches(
            contrasts(corpus, chosen.seed * 1000 + epoch),
            chosen.batch_size,
            random.Random(chosen.seed * 100 + epoch),
        )
    ]
    _Run(network, tokenizer, chosen, "stance", chosen.learning_rate, folder).go(steps, progress)
    trained = folder / "trained"
    network.to("cpu").save_pretrained(trained)
    tokenizer.save_pretrained(trained)
    return trained


class _Run:
    """One stage: its optimizer, its schedule and its checkpoint."""

    def __init__(
        self, network: Any, tokenizer: Any, settings: FitSettings, stage: str, rate: float, folder: Path
    ) -> None:
        import torch

        self._network = network
        self._tokenizer = tokenizer
        self._settings = settings
        self._stage = stage
        self._file = folder / f"{stage}.pt"
        self._learnt = [each for each in network.parameters() if each.requires_grad]
        groups = [
            {"params": [each for each in self._learnt if each.ndim > 1], "weight_decay": 0.01},
            {"params": [each for each in self._learnt if each.ndim < 2], "weight_decay": 0.0},
        ]
        self._optimizer = torch.optim.AdamW(groups, lr=rate)
        self._rates = [rate, rate]

    def go(self, steps: Sequence[Sequence[Contrast]], progress: Callable[[Step], None]) -> None:
        """Work through the steps from the checkpoint on."""
        import torch

        start = self._resume()
        for number, batch in enumerate(steps[start:], start=start + 1):
            torch.manual_seed(self._settings.seed * 1_000_003 + number)
            self._set_rate(number, len(steps))
            loss, told_apart = self._loss(batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self._learnt, 1.0)
            self._optimizer.step()
            self._optimizer.zero_grad()
            progress(Step(self._stage, number, len(steps), float(loss.detach()), told_apart))
            if number % self._settings.checkpoint_steps == 0 or number == len(steps):
                self._save(number)

    def _set_rate(self, number: int, total: int) -> None:
        rise = min(1.0, number / max(1.0, 0.06 * total))
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * rise * max(0.02, 1 - number / total)

    def _loss(self, batch: Sequence[Contrast]) -> tuple[Any, float]:
        """Return the loss of a step and the share of its poles that are told apart."""
        import torch
        from torch.nn import functional

        twins = [place for place, each in enumerate(batch) if each.other is not None]
        pairs = [(each.text, each.statement) for each in batch]
        pairs += [(batch[place].text, batch[place].other or "") for place in twins]
        logits = self._logits(pairs)
        classes = [_PLACE[each.label] for each in batch] + [1 - _PLACE[batch[place].label] for place in twins]
        exact = [each.is_exact for each in batch] + [batch[place].is_exact for place in twins]
        weights = torch.tensor(exact, dtype=torch.float32, device=logits.device)
        by_class = functional.cross_entropy(
            logits, torch.tensor(classes, device=logits.device), reduction="none", label_smoothing=0.05
        )
        loss = (by_class * weights).sum() / len(batch)
        if not twins:
            return loss, float("nan")
        lean = logits[:, 0] - logits[:, 1]
        signs = torch.tensor([1.0 - 2 * _PLACE[batch[place].label] for place in twins], device=logits.device)
        difference = (lean[twins] - lean[len(batch) :]) * signs
        poles = functional.softplus(-difference).sum() / len(batch)
        total = loss * self._settings.class_weight + poles * self._settings.pole_weight
        return total, float((difference > 0).float().mean())

    def _logits(self, pairs: Sequence[tuple[str, str]]) -> Any:
        import torch

        texts, statements = zip(*pairs, strict=True)
        coded = self._tokenizer(
            list(texts),
            list(statements),
            truncation="only_first",
            max_length=self._settings.max_tokens,
            padding=True,
            return_tensors="pt",
        ).to(self._network.device)
        kind = self._network.device.type
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=kind == "cuda"):  # slower on a processor
            return self._network(**coded).logits.float()

    def _save(self, number: int) -> None:
        import torch

        self._file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._file.with_suffix(".part")
        state = {"network": self._network.state_dict(), "optimizer": self._optimizer.state_dict()}
        torch.save({**state, "number": number}, unfinished)
        unfinished.replace(self._file)

    def _resume(self) -> int:
        import torch

        if not self._file.exists():
            return 0
        state = torch.load(self._file, map_location=self._network.device)
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        return int(state["number"])


def _load(base: str) -> tuple[Any, Any]:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    names = dict(enumerate(LABELS))
    network = AutoModelForSequenceClassification.from_pretrained(
        base,
        num_labels=len(LABELS),
        id2label=names,
        label2id={name: place for place, name in names.items()},
        local_files_only=True,
    )
    return network, AutoTokenizer.from_pretrained(base, local_files_only=True)


def _freeze(network: Any, n_layers: int) -> None:
    """Keep the embeddings and the lowest layers as they are: few rows can only spoil them."""
    body = network.base_model
    for part in (body.embeddings, *body.encoder.layer[:n_layers]):
        for each in part.parameters():
            each.requires_grad_(False)


def _batches(rows: Sequence[Contrast], size: int, rng: random.Random) -> Iterator[list[Contrast]]:
    """Yield batches of rows of like length, in random order."""
    shuffled = list(rows)
    rng.shuffle(shuffled)
    made: list[list[Contrast]] = []
    for start in range(0, len(shuffled), size * SORTED_BATCHES):
        near = sorted(
            shuffled[start : start + size * SORTED_BATCHES], key=lambda each: len(each.text + each.statement)
        )
        made += [near[place : place + size] for place in range(0, len(near), size)]
    rng.shuffle(made)
    yield from made
