"""What can go wrong, as one tree.

::

    GroundswellError
    ├── SettingsError      a setting is out of its range        retry: no, mend the setting
    ├── RejectedError      a record that can't be used          retry: no, dead letter
    │   ├── UnreadableError    bytes that aren't the record
    │   ├── InvalidError       a record with a wrong field
    │   └── EncodingError      a text that breaks the encoder
    ├── StateError         a checkpoint that doesn't fit        retry: no, restore or replay
    │   └── GapError           sketches are missing from the sequence
    ├── EncoderError       no model, or one that doesn't fit    retry: no, mend the installation
    └── RoadError          broker, disk or network refuse       retry: yes, after a restart

A message states the value, the bound and the remedy. ``RejectedError`` also carries the
closed ``reason`` that dead letters and metrics show.
"""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

__all__ = [
    "REASONS",
    "EncoderError",
    "EncodingError",
    "GapError",
    "GroundswellError",
    "InvalidError",
    "Reason",
    "RejectedError",
    "RoadError",
    "SettingsError",
    "StateError",
    "UnreadableError",
]

Reason = Literal[
    "null",
    "too_large",
    "not_utf8",
    "not_json",
    "not_an_object",
    "wrong_type",
    "no_id",
    "no_text",
    "empty_text",
    "bad_time",
    "future_time",
    "unencodable",
    "wrong_encoder",
    "unusable",
]
"""Why a record was rejected; a closed set, so that it can label a metric."""

REASONS: tuple[Reason, ...] = get_args(Reason)


class GroundswellError(Exception):
    """Base of every error that Groundswell raises on purpose."""

    retriable: ClassVar[bool] = False
    """Whether the same call can succeed later without a change by a person."""


class SettingsError(GroundswellError, ValueError):
    """A setting is out of its range; the message names it as the user writes it."""


class RejectedError(GroundswellError):
    """A record can't be used and belongs among the dead letters.

    Parameters
    ----------
    message
        The value, the bound and the remedy.
    reason
        One of `REASONS`.
    """

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message)
        self.reason: Reason = reason


class UnreadableError(RejectedError):
    """Bytes that can't be read as the record that the topic carries."""


class InvalidError(RejectedError):
    """A record whose fields are missing, of a wrong type or out of their range."""


class EncodingError(RejectedError):
    """A text that the encoder can't turn into a finite vector."""


class StateError(GroundswellError):
    """A checkpoint that doesn't fit the code or the settings that read it."""


class GapError(StateError):
    """Sketches of a partition are missing from their sequence."""


class EncoderError(GroundswellError):
    """The model can't be loaded, or its vectors don't fit the live clusters."""


class RoadError(GroundswellError):
    """The broker, the disk or the network refuses; the process ends and may be started again."""

    retriable = True
