"""From a trained PyTorch network to the folder that ships: int8 ONNX, tokenizer, card."""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.errors import EncoderError
from agents.stance.corpus import Contrast
from agents.stance.fit import LABELS
from agents.stance.model import Calibration, Question, StatementModel
from agents.stance.readers import Card, OnnxReader
from agents.stance.target import Target

__all__ = ["MOST_BYTES", "calibrate", "export"]

MOST_BYTES: Final = 25_000_000
"""Most that the weights may weigh: they are installed with every worker."""

TEMPLATE: Final = "I think that {}"
"""How statements are put to the network: marked as an opinion, every comment leans further to its own
side. Bare, the area under the curve is smaller on newspaper comments and on both targets of the sample."""

WIDENED: Final = 1.7
"""On newspaper comments the model is right less often than on held-out topics of its own corpora, and
as sure; of 1, 1.3, 1.7 and 2.2 this factor came nearest to the share right on such comments."""


def export(trained: Path, folder: Path, name: str, max_tokens: int = 128) -> Path:
    """Write the int8 network, its tokenizer and an uncalibrated card.

    Weights are int8 with a scale a column, activations int8 with a scale a call, the word
    embeddings int8 too.

    Parameters
    ----------
    trained
        Folder that `fit` returned.
    folder
        Where to write; made if absent.
    name
        What judgements say made them.

    Raises
    ------
    EncoderError
        If the packages that write ONNX are absent, or the result is larger than 25 MB.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "fp32.onnx"
        _to_onnx(trained, whole)
        _quantize(whole, folder / "model.onnx", json.loads((trained / "config.json").read_bytes()))
    shutil.copyfile(trained / "tokenizer.json", folder / "tokenizer.json")
    size = (folder / "model.onnx").stat().st_size
    if size > MOST_BYTES:
        raise EncoderError(
            f"the network weighs {size} bytes; at most {MOST_BYTES} ship. Choose a smaller base."
        )
    names = {str(place): label for place, label in enumerate(LABELS)}
    card = Card(name=name, labels=names, max_tokens=max_tokens, temperature=1.0, template=TEMPLATE)
    _write(card, folder)
    return folder


def calibrate(folder: Path, rows: Sequence[Contrast], widened: float = WIDENED) -> Calibration:
    """Choose the temperature on rows that were held out, widen it, and write it into the card.

    Parameters
    ----------
    rows
        Texts between a statement that they support and one that they oppose.
    widened
        Factor on the temperature: comments lie further from what was learnt than held-out topics do.

    References
    ----------
    Guo et al. (2017): one temperature, by the likelihood of the truth.
    """
    reader = OnnxReader(folder)
    model = StatementModel(reader)
    asked = [_question(row) for row in rows if row.other is not None]
    differences = np.array(model.differences(asked))
    temperature = _temperature(differences) * widened
    card = msgspec.structs.replace(reader.card, temperature=round(temperature, 3))
    _write(card, folder)
    return card.calibration


def _question(row: Contrast) -> Question:
    assert row.other is not None
    return Question(row.text, Target("held-out", "held out", (row.statement,), (row.other,)))


def _temperature(differences: NDArray[np.float64]) -> float:
    """Return what the differences, all of which should be above 0, must be divided by."""
    tried = np.geomspace(0.25, 32.0, 281)
    likelihood = [-np.logaddexp(0.0, -differences / each).mean() for each in tried]
    return float(tried[int(np.argmax(likelihood))])


def _to_onnx(trained: Path, file: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    network = AutoModelForSequenceClassification.from_pretrained(
        trained, attn_implementation="eager", local_files_only=True
    ).eval()
    ids = torch.randint(1000, 2000, (1, 17))
    types = torch.zeros_like(ids)
    types[:, 9:] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                _unpadded(network),
                (ids, types),
                str(file),
                input_names=["input_ids", "token_type_ids"],
                output_names=["logits"],
                dynamic_axes={"input_ids": {1: "n"}, "token_type_ids": {1: "n"}},
                opset_version=17,
                dynamo=False,
            )
        except ImportError as cause:
            raise EncoderError(f"ONNX can't be written ({cause}). Install the package onnx.") from cause


def _unpadded(network: Any) -> Any:
    """Wrap a network for one row without padding, so that no mask is carried along."""
    import torch

    class Unpadded(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, ids: Any, types: Any) -> Any:
            mask = torch.ones_like(ids)
            return self.network(input_ids=ids, token_type_ids=types, attention_mask=mask).logits

    return Unpadded().eval()


def _quantize(whole: Path, file: Path, shape: dict[str, Any]) -> None:
    """Fuse the layers of attention, and store every weight in int8."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers.fusion_options import FusionOptions
    from onnxruntime.transformers.optimizer import optimize_model

    options = FusionOptions("bert")
    options.enable_embed_layer_norm = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optimized = optimize_model(
            str(whole),
            model_type="bert",
            num_heads=shape["num_attention_heads"],
            hidden_size=shape["hidden_size"],
            optimization_options=options,
        )
        optimized.save_model_to_file(str(whole))
        quantize_dynamic(
            str(whole),
            str(file),
            op_types_to_quantize=["MatMul", "Attention"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
        )
    network = onnx.load(str(file))
    _quantize_words(network.graph)
    onnx.save(network, str(file))


def _quantize_words(graph: Any) -> None:
    """Store the word embeddings in int8 with a scale a word: one scale for all costs ten times the error."""
    import onnx

    table = max(graph.initializer, key=lambda each: len(each.raw_data))
    words = onnx.numpy_helper.to_array(table)
    scales = np.maximum(np.abs(words).max(axis=1, keepdims=True) / 127, 1e-12).astype(np.float32)
    small = np.rint(words / scales).astype(np.int8)
    (place,) = [place for place, node in enumerate(graph.node) if table.name in node.input]
    gather = graph.node[place]
    make = onnx.helper.make_node
    nodes = [
        make("Gather", ["words_int8", gather.input[1]], ["words_found"]),
        make("Cast", ["words_found"], ["words_wide"], to=onnx.TensorProto.FLOAT),
        make("Gather", ["words_scale", gather.input[1]], ["words_scales"]),
        make("Mul", ["words_wide", "words_scales"], [gather.output[0]]),
    ]
    graph.node.remove(gather)
    for offset, node in enumerate(nodes):
        graph.node.insert(place + offset, node)
    graph.initializer.remove(table)
    graph.initializer.extend(
        [
            onnx.numpy_helper.from_array(small, "words_int8"),
            onnx.numpy_helper.from_array(scales, "words_scale"),
        ]
    )


def _write(card: Card, folder: Path) -> None:
    (folder / "model.json").write_bytes(msgspec.json.format(msgspec.json.encode(card)) + b"\n")
