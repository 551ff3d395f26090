"""One contract that every model of stance keeps, and what each does besides."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents.errors import EncoderError, SettingsError
from agents.stance.head import HeadModel, train_head
from agents.stance.loading import Panel, load_model, load_panel
from agents.stance.model import Calibration, Question, StanceModel, StatementModel, Verdict, pieces
from agents.stance.readers import WEIGHTS, CrossEncoderReader, OnnxReader, roles
from agents.stance.settings import StanceSettings
from agents.stance.target import Example, Target
from tests.agents.stance.conftest import PACT, TRAM, WordReader, make_cross_encoder

TEXTS = (
    "I am all for it, the sooner the better.",
    "No way. This would cost us dearly and bring nothing!",
    "The weather was lovely.",
    "Yes " + "and it will help every family in the town. " * 40,
    "\u00fcber \U0001f600 \u0442\u0435\u043a\u0441\u0442",
)
QUESTIONS = [Question(text, target) for text in TEXTS for target in (PACT, TRAM)]


def encode_words(texts: list[str]) -> np.ndarray:
    """Two dimensions, yes and no, of unit length."""
    rows = np.array([[1.0 + t.lower().count("yes"), 1.0 + t.lower().count("no")] for t in texts])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def shipped(_: Path) -> StanceModel:
    return load_model(StanceSettings(max_tokens=64))


def other(folder: Path) -> StanceModel:
    return load_model(StanceSettings(model=str(folder), max_tokens=64))


def head(_: Path) -> StanceModel:
    examples = [Example(f"yes {n}", "favor") for n in range(20)] + [
        Example(f"no {n}", "against") for n in range(20)
    ]
    return HeadModel(train_head("pact", examples, encode_words, "words"), encode_words, "words")


def words(_: Path) -> StanceModel:
    return StatementModel(WordReader())


@pytest.fixture(params=[shipped, other, head, words], scope="module", ids=lambda make: make.__name__)
def model(request: pytest.FixtureRequest, cross_encoder: Path) -> StanceModel:
    make: Callable[[Path], StanceModel] = request.param
    return make(cross_encoder)


def test_a_verdict_does_not_depend_on_its_neighbours(model: StanceModel) -> None:
    together = model.judge(QUESTIONS)

    alone = [model.judge([question])[0] for question in QUESTIONS]

    assert together == alone


def test_verdicts_come_in_the_order_of_the_questions(model: StanceModel) -> None:
    forwards = model.judge(QUESTIONS)

    assert model.judge(QUESTIONS[::-1]) == forwards[::-1]


def test_the_three_probabilities_add_up_to_one(model: StanceModel) -> None:
    for verdict in model.judge(QUESTIONS):
        assert min(verdict.favor, verdict.against, verdict.none) >= 0
        assert verdict.favor + verdict.against + verdict.none == pytest.approx(1)


def test_no_question_gives_no_verdict(model: StanceModel) -> None:
    assert model.judge([]) == []


def test_a_verdict_names_its_model(model: StanceModel) -> None:
    assert {verdict.model for verdict in model.judge(QUESTIONS)} == {model.name}


def test_every_model_can_abstain(model: StanceModel) -> None:
    sides = {verdict.side(1.01) for verdict in model.judge(QUESTIONS)}

    assert sides == {"none"}


def test_exchanging_the_poles_exchanges_the_sides() -> None:
    reader = OnnxReader(max_tokens=64)
    turned = replace(PACT, favor=PACT.against, against=PACT.favor)

    straight = StatementModel(reader).judge([Question(TEXTS[0], PACT)])[0]
    crossed = StatementModel(reader).judge([Question(TEXTS[0], turned)])[0]

    assert (crossed.favor, crossed.against) == pytest.approx((straight.against, straight.favor))


def test_the_shipped_model_reads_plain_agreement_and_disagreement() -> None:
    target = Target(
        "boxing", "Banning boxing", ("Boxing should be banned",), ("Boxing should not be banned",)
    )
    texts = ("Boxing must be banned at once.", "There is no reason to ban boxing, it should stay legal.")

    ban, keep = load_model(StanceSettings()).judge([Question(text, target) for text in texts])

    assert ban.lean > 0.5 > keep.lean


def test_the_shipped_network_is_given_a_statement_as_the_card_says(tmp_path: Path) -> None:
    text, statement = TEXTS[0], PACT.favor[0]
    card = json.loads((WEIGHTS / "model.json").read_text("utf-8"))
    for name in ("model.onnx", "tokenizer.json"):
        (tmp_path / name).symlink_to(WEIGHTS / name)
    (tmp_path / "model.json").write_text(json.dumps(card | {"template": "{}"}), encoding="utf-8")

    bare = OnnxReader(tmp_path).read([(text, card["template"].replace("{}", statement))])

    assert card["template"] != "{}"
    np.testing.assert_array_equal(OnnxReader().read([(text, statement)]), bare)


def test_the_shipped_weights_weigh_at_most_25_megabytes() -> None:
    assert (WEIGHTS / "model.onnx").stat().st_size <= 25_000_000


def test_the_order_of_classes_is_read_from_id2label(tmp_path: Path, cross_encoder: Path) -> None:
    permuted = make_cross_encoder(tmp_path, ["neutral", "contradiction", "entailment"])
    pairs = [(question.text, question.target.favor[0]) for question in QUESTIONS]

    rows = CrossEncoderReader(str(permuted)).read(pairs)

    np.testing.assert_allclose(rows, CrossEncoderReader(str(cross_encoder)).read(pairs), atol=1e-6)


def test_a_reader_of_two_classes_leaves_nothing_open(tmp_path: Path) -> None:
    folder = make_cross_encoder(tmp_path, ["against", "favor"])

    verdicts = load_model(StanceSettings(model=str(folder))).judge(QUESTIONS)

    assert {verdict.none for verdict in verdicts} == {0.0}


def test_the_template_is_put_round_the_statement(cross_encoder: Path) -> None:
    plain = CrossEncoderReader(str(cross_encoder))
    put = CrossEncoderReader(str(cross_encoder), "The author thinks: {}")

    assert put.read([("Fine.", "It works")]).tolist() == (
        plain.read([("Fine.", "The author thinks: It works")]).tolist()
    )


@pytest.mark.parametrize("labels", [["LABEL_0", "LABEL_1"], ["entailment"], ["entailment", "neutral"]])
def test_a_model_without_classes_of_stance_is_refused_with_their_names(labels: list[str]) -> None:
    with pytest.raises(EncoderError, match="id2label"):
        roles({str(place): label for place, label in enumerate(labels)}, "reranker")


def test_a_model_that_is_not_there_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"stance\.model"):
        load_model(StanceSettings(model=str(tmp_path)))


def test_none_takes_its_part_from_both_sides() -> None:
    # What is left open is 0.9 of the probability, the rest is halved.
    undecided, decided = StatementModel(WordReader()).judge([Question("hm", PACT), Question("yes", PACT)])

    assert undecided.none == pytest.approx(0.9)
    assert undecided.favor == undecided.against == pytest.approx(0.05)
    assert decided.none == 0


def test_the_difference_of_the_poles_decides_and_the_temperature_divides_it() -> None:
    # log(0.8 / 0.2) beside the favoring pole less log(0.2 / 0.8) beside the other is 2 log 4.
    sure = StatementModel(WordReader()).judge([Question("yes", PACT)])[0]
    calmer = StatementModel(WordReader(), Calibration(temperature=2.0)).judge([Question("yes", PACT)])[0]

    assert sure.favor == pytest.approx(16 / 17)
    assert calmer.favor == pytest.approx(4 / 5)


def test_the_statement_that_carried_the_verdict_is_of_its_side() -> None:
    for_it, against_it = StatementModel(WordReader()).judge([Question("yes", PACT), Question("no", PACT)])

    assert for_it.statement == "The pact is good"
    assert against_it.statement == "The pact is not good"


def test_a_side_needs_the_confidence_that_is_asked() -> None:
    verdict = Verdict(favor=0.6, against=0.3, none=0.1)

    assert verdict.side(0.6) == "favor"
    assert verdict.side(0.61) == "none"
    assert verdict.confidence("none") == pytest.approx(0.4)
    assert verdict.lean == pytest.approx(2 / 3)


def test_a_long_text_is_cut_between_sentences_and_nothing_is_lost() -> None:
    text = "One two three. Four five! Six? Seven eight nine ten eleven."

    cut = pieces(text, 4, lambda each: len(each.split()))

    assert cut == ["One two three.", "Four five! Six?", "Seven eight nine ten eleven."]
    assert " ".join(cut) == text


def test_every_piece_of_a_long_text_has_a_say() -> None:
    model = StatementModel(WordReader(), piece_tokens=12)
    long = ("Yes " * 12).strip() + ". " + ("Yes " * 12).strip() + ". No."

    verdict = model.judge([Question(long, PACT)])[0]

    assert 0.5 < verdict.lean < model.judge([Question("yes", PACT)])[0].lean


def test_a_piece_that_leaves_everything_open_hardly_counts() -> None:
    model = StatementModel(WordReader(), piece_tokens=2)

    # "yes" reads 2 log 4 with weight 1, "hm hm" reads 0 with weight 0.1.
    verdict = model.judge([Question("Yes. Hm hm.", PACT)])[0]

    assert verdict.lean == pytest.approx(1 / (1 + np.exp(-2 * np.log(4) / 1.1)), abs=1e-4)
    assert verdict.none == 0.0


def test_a_target_with_a_head_is_judged_by_it_and_others_by_the_common_model() -> None:
    panel = Panel(StatementModel(WordReader()), {"pact": head(WEIGHTS)})

    verdicts = panel.judge(QUESTIONS)

    assert [verdict.model for verdict in verdicts] == ["head:pact", "words"] * len(TEXTS)


def test_a_head_for_an_unknown_target_is_refused(tmp_path: Path) -> None:
    from agents.stance.head import write_head

    examples = [Example(f"yes {n}", "favor") for n in range(20)]
    examples += [Example(f"no {n}", "against") for n in range(20)]
    file = tmp_path / "tram.json"
    write_head(train_head("tram", examples, encode_words, "words"), file)

    with pytest.raises(SettingsError, match="tram"):
        load_panel(StanceSettings(targets=(PACT,), heads=(str(file),)), encode_words, "words")
