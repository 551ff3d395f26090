"""A library that repeats itself is heard once in a while; our own records all are."""

from __future__ import annotations

import logging

from streams.logs import REPEAT_SECONDS, Repeats


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
