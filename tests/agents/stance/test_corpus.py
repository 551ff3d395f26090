import gzip
import json
from pathlib import Path

import pytest

from agents.errors import SettingsError
from agents.stance.corpus import Contrast, contrasts, entailments, held_out, read_corpus, tidy


def rows(n_topics: int = 60) -> list[dict[str, str]]:
    return [
        {
            "text": f"{label} {number} of topic {topic}",
            "statement": f"Topic {topic} should be banned",
            "topic": f"Topic {topic} should be banned",
            "label": label,
            "source": "claims",
            "licence": "CC BY 4.0",
        }
        for topic in range(n_topics)
        for label in ("support", "oppose")
        for number in range(3)
    ]


def written(folder: Path, given: list[dict[str, str]]) -> Path:
    file = folder / "rows.jsonl.gz"
    with gzip.open(file, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in given)
    return file


def test_rows_without_an_open_licence_are_left_out_and_counted(tmp_path: Path) -> None:
    closed = [row | {"licence": licence} for row in rows(1) for licence in ("none stated", "CC BY-NC 4.0")]

    corpus = read_corpus([written(tmp_path, rows(2) + closed)])

    assert len(corpus.stances) == 12
    assert corpus.n_refused == {"none stated": 6, "CC BY-NC 4.0": 6}


def test_a_corpus_without_an_open_row_is_refused(tmp_path: Path) -> None:
    closed = [row | {"licence": "unknown"} for row in rows(1)]

    with pytest.raises(SettingsError, match="0 stance pairs with an open licence"):
        read_corpus([written(tmp_path, closed)])


def test_a_line_that_is_no_pair_is_named(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": "no statement"}\n')

    with pytest.raises(SettingsError, match="line 1"):
        read_corpus([file])


def test_no_topic_is_both_trained_on_and_held_out(tmp_path: Path) -> None:
    corpus = read_corpus([written(tmp_path, rows())])

    kept_aside = {each.text.rpartition("topic ")[2] for each in held_out(corpus)}
    learnt = {each.text.rpartition("topic ")[2].split(".")[0] for each in contrasts(corpus, 1) if each.other}

    assert kept_aside
    assert learnt
    assert not kept_aside & learnt


def test_a_text_stands_between_what_it_supports_and_what_it_opposes(tmp_path: Path) -> None:
    found = {each.text.split()[0]: each for each in held_out(read_corpus([written(tmp_path, rows())]))}

    for_it, against_it = found["support"], found["oppose"]
    assert "should be banned" in for_it.statement
    assert "should not be banned" in str(for_it.other)
    assert "should not be banned" in against_it.statement
    assert "should be banned" in str(against_it.other)


def test_an_epoch_is_a_function_of_its_seed(tmp_path: Path) -> None:
    corpus = read_corpus([written(tmp_path, rows())])

    assert contrasts(corpus, 1) == contrasts(corpus, 1)
    assert contrasts(corpus, 1) != contrasts(corpus, 2)


def test_entailment_keeps_its_three_classes(tmp_path: Path) -> None:
    pairs = [
        {"premise": "p", "hypothesis": "h", "label": label, "source": "nli", "licence": "MIT"}
        for label in ("entailment", "contradiction", "neutral")
    ]

    corpus = read_corpus([written(tmp_path, rows(1) + pairs)])

    assert {each.label for each in entailments(corpus, 1)} == {"support", "oppose", "open"}


def test_a_motion_becomes_a_plain_statement() -> None:
    assert tidy("This house supports the one-child policy.") == "We should support the one-child policy"


def test_a_statement_that_no_rule_can_turn_round_has_written_poles(tmp_path: Path) -> None:
    row = rows(1)[0] | {"source": "ukpconvarg1", "statement": "tv is better than books: tv", "topic": "tv"}

    found = [each for each in contrasts(read_corpus([written(tmp_path, [row])]), 1) if each.other]

    assert {each.statement.rstrip(".").lower() for each in found} == {"tv is better than books"}
    assert {str(each.other).rstrip(".").lower() for each in found} == {"books are better than tv"}


def test_a_contrast_without_an_opposite_has_none() -> None:
    assert Contrast("t", "s", None, "open").other is None
