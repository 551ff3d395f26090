"""How fast sides are judged, and how often rightly on the sample discussion, whose truth is known."""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Sequence
from typing import Any

import numpy as np

from agents.embedding.encoder import load_encoder
from agents.embedding.settings import EmbeddingSettings
from agents.records import Comment
from agents.stance.gate import Asked, Gatekeeper
from agents.stance.loading import load_model
from agents.stance.model import Question, Verdict
from agents.stance.readers import OnnxReader
from agents.stance.settings import StanceSettings
from agents.stance.target import Target
from streams.feeds.files import read_file
from streams.feeds.sample import SAMPLE

__all__ = ["run"]

Row = dict[str, Any]


def run() -> list[Row]:
    """Return rates of reading and judging, then what came of the sample."""
    return [*_rates(), *_sample()]


def _rates() -> list[Row]:
    reader = OnnxReader()
    rows = []
    for n_words in (20, 100):
        pairs = [("word " * n_words, "The ring should be closed to private cars")] * 100
        reader.read(pairs[:10])
        started = time.perf_counter()
        reader.read(pairs)
        rows.append(
            _row(f"pairs a second, {n_words} words, one thread", 100 / (time.perf_counter() - started))
        )
    return rows


def _sample() -> list[Row]:
    settings = StanceSettings(targets=_targets())
    encoder = load_encoder(EmbeddingSettings())
    comments = list(read_file(SAMPLE))
    truth = {each["id"]: each["stances"] for each in _lines("truth.jsonl")}
    keeper = Gatekeeper(settings.judged, encoder.encode, settings.gate)
    vectors = encoder.encode([comment.text or "" for comment in comments]).astype(np.float16)
    about = list(
        keeper.about_each(
            Asked(
                comment.id,
                vector.astype(np.float32),
                comment.discussion_title,
                comment.parent,
                comment.text or "",
            )
            for comment, vector in zip(comments, vectors, strict=True)
        )
    )
    model = load_model(settings)
    started = time.perf_counter()
    asked = [(each, target) for each, ids in zip(comments, about, strict=True) for target in ids]
    known = {target.id: target for target in settings.judged}
    verdicts = model.judge([Question(each.text or "", known[target]) for each, target in asked])
    rate = len(asked) / (time.perf_counter() - started)
    judged = {(c.id, t): verdict for (c, t), verdict in zip(asked, verdicts, strict=True)}
    return [
        _row("judgements a second, sample", rate),
        *(row for target in settings.judged for row in _of_target(target, comments, truth, judged, settings)),
    ]


def _of_target(
    target: Target,
    comments: Sequence[Comment],
    truth: dict[str, dict[str, str]],
    judged: dict[tuple[str, str], Verdict],
    settings: StanceSettings,
) -> list[Row]:
    sided = {c.id: truth[c.id][target.id] for c in comments if truth[c.id].get(target.id, "none") != "none"}
    passed = {id for id, each in judged if each == target.id}
    named = {id: judged[id, target.id].side(settings.confidence) for id in passed}
    said = {id: side for id, side in named.items() if side != "none"}
    forced = {id: "favor" if judged[id, target.id].lean >= 0.5 else "against" for id in passed & sided.keys()}
    return [
        _row(f"{target.id}: comments that take a side", len(sided)),
        _row(f"{target.id}: of them let through by the gate", _share(id in passed for id in sided)),
        _row(
            f"{target.id}: right if a side is forced",
            _share(side == sided[id] for id, side in forced.items()),
        ),
        _row(f"{target.id}: let through and given a side", _share(id in said for id in passed)),
        _row(
            f"{target.id}: right of those given a side", _share(sided.get(id) == s for id, s in said.items())
        ),
    ]


def _share(flags: Any) -> float:
    drawn = list(flags)
    return sum(drawn) / len(drawn) if drawn else float("nan")


def _targets() -> tuple[Target, ...]:
    rows = tomllib.loads(SAMPLE.with_name("targets.toml").read_text("utf-8"))["targets"]
    return tuple(Target(r["id"], r["title"], tuple(r["favor"]), tuple(r["against"])) for r in rows)


def _lines(name: str) -> list[Row]:
    return [json.loads(line) for line in SAMPLE.with_name(name).read_text("utf-8").splitlines()]


def _row(measure: str, value: float) -> Row:
    return {"measure": measure, "value": float(value)}
