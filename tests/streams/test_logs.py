"""A library that repeats itself is heard once in a while; one record is one line, whatever it says."""

from __future__ import annotations

import logging
import sys

import pytest

from streams.logs import REPEAT_SECONDS, FactsFormatter, Repeats

FORGED = "gone\n2026-01-01 00:00:00,000 INFO    streams.app: all is well\x1b[2K\r\u2028\x9b1m"


def record(name: str, sentence: str, at: float) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.ERROR, __file__, 1, sentence, (), None)
    made.created = at
    return made


def test_the_same_sentence_of_a_library_passes_once_in_a_while() -> None:
    passes = Repeats().filter

    heard = [passes(record("aiokafka.client", "Unable to connect", at)) for at in (0, 1, REPEAT_SECONDS + 1)]

    assert heard == [True, False, True]
    assert passes(record("aiokafka.client", "Another sentence", 1))


def test_our_own_records_all_pass() -> None:
    passes = Repeats().filter

    assert all(passes(record("streams.delivery", "rejoining", at)) for at in (0, 0.1, 0.2))


def formatted(made: logging.LogRecord) -> str:
    return FactsFormatter("%(levelname)s %(name)s: %(message)s").format(made)


def is_clean(line: str) -> bool:
    return all(each.isprintable() for each in line)


def test_what_data_and_brokers_say_stays_in_its_line() -> None:
    made = record("aiokafka", "Unable to connect: %s", 0)
    made.args = (FORGED,)
    made.discussion = FORGED

    line = formatted(made)

    assert is_clean(line)
    assert line.startswith(r"ERROR aiokafka: Unable to connect: gone\n2026-01-01")
    assert r"  discussion=gone\n2026-01-01" in line


def test_a_traceback_is_indented_below_its_record() -> None:
    made = record("streams.delivery", "stage stopped", 0)
    made.stage = "embed"
    try:
        raise ValueError(FORGED)
    except ValueError:
        made.exc_info = sys.exc_info()

    first, *rest = formatted(made).split("\n")

    assert first == "ERROR streams.delivery: stage stopped  stage=embed"
    assert rest[0] == "  Traceback (most recent call last):"
    assert all(line.startswith("  ") and is_clean(line) for line in rest)


@pytest.mark.parametrize("text", ["Zürich → 東京 “quoted” 🎉", "a=b c"])
def test_what_can_be_printed_is_printed_as_it_is(text: str) -> None:
    assert formatted(record("streams.app", text, 0)) == f"ERROR streams.app: {text}"
