"""Logging: a fixed phrase, then its facts. Only the command line sets it up."""

from __future__ import annotations

import logging
from typing import Final

__all__ = ["escaped", "set_up"]

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "data"}

NOISY: Final = {
    "faust": "WARNING",
    "mode": "WARNING",
    "aiokafka": "ERROR",
    "sentence_transformers": "WARNING",
}
"""Libraries that say more than a person wants; aiokafka warns about every rebalance."""


REPEAT_SECONDS: Final = 10.0
"""A library's sentence is printed at most this often; while a broker is away aiokafka has 170 a second."""


class Repeats(logging.Filter):
    """Lets the same sentence of a library through once in a while; ours all pass."""

    def __init__(self) -> None:
        super().__init__()
        self._said_at: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is printed."""
        if record.name.partition(".")[0] not in NOISY or record.exc_info:
            return True
        key = (record.name, str(record.msg))
        last = self._said_at.get(key)
        if last is not None and record.created - last < REPEAT_SECONDS:
            return False
        self._said_at[key] = record.created
        return True


class FactsFormatter(logging.Formatter):
    """Prints what ``extra`` gave after the phrase.

    One record is one line, and below it an indented traceback, whatever data and brokers put into it:
    nothing of theirs can look like another record or steer a terminal.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        record.message = record.getMessage()
        record.asctime = self.formatTime(record)
        facts = " ".join(f"{name}={value}" for name, value in vars(record).items() if name not in _STANDARD)
        line = self.formatMessage(record)
        below = [self.formatException(record.exc_info)] if record.exc_info else []
        below += [self.formatStack(record.stack_info)] if record.stack_info else []
        rest = [f"  {escaped(each)}" for text in below for each in text.split("\n")]
        return "\n".join([escaped(f"{line}  {facts}" if facts else line), *rest])


def escaped(text: str) -> str:
    r"""Return the text with all that is not printed written as an escape.

    Examples
    --------
    >>> print(escaped("café\n\x1b[2J"))
    café\n\x1b[2J
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text
    )


def set_up(level: str = "INFO") -> None:
    """Send our records of a level and above to stderr, and libraries' warnings."""
    handler = logging.StreamHandler()
    handler.addFilter(Repeats())
    handler.setFormatter(FactsFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, quiet in NOISY.items():
        logging.getLogger(name).setLevel(max(logging.getLevelName(quiet), logging.getLevelName(level)))
