"""The closed set of drift measures: what each is called, in what unit, and what it says.

A measure of the whole discussion goes by its name, ``share_shift``; one of a single cluster or
target goes by name and subject, ``displacement/c42``, ``stance_shift/pact``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["MEASURES", "Measure", "Subject", "cluster_of", "key", "split_key", "target_of"]

Subject = Literal["cluster", "target"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is measured every tick.

    Parameters
    ----------
    unit
        ``bits``, ``ratio`` (a pure number around one), ``per_hour``, or empty for other pure numbers.
    subject
        What it is measured of; None for the whole discussion.
    watched
        Whether a detector watches it and may raise an alarm.
    sentence
        What it says, as a full sentence that a person at a dashboard can read.
    """

    unit: str
    subject: Subject | None
    watched: bool
    sentence: str


MEASURES: dict[str, Measure] = {
    "share_shift": Measure(
        "bits",
        None,
        True,
        "Jensen-Shannon divergence (base 2, 0 to 1) of the clusters' shares between the current and the "
        "reference window; it rises when people turn to other topics.",
    ),
    "mmd": Measure(
        "",
        None,
        True,
        "Squared maximum mean discrepancy between samples of embeddings of the current and the reference "
        "window; it rises when what is said changes, whatever the clusters.",
    ),
    "displacement": Measure(
        "ratio",
        None,
        False,
        "Mean cosine distance that the clusters' centroids moved from the reference to the current window, "
        "weighted by share; it rises when topics keep their place but change what is said in them.",
    ),
    "novelty": Measure(
        "bits",
        None,
        False,
        "How surprising the current window's shares are given each of the two windows before, as mean "
        "Kullback-Leibler divergence (Barron et al. 2018).",
    ),
    "transience": Measure(
        "bits",
        None,
        False,
        "How surprising the shares of two windows ago are given each of the two after, as mean "
        "Kullback-Leibler divergence; it lags by two windows.",
    ),
    "resonance": Measure(
        "bits",
        None,
        False,
        "Novelty less transience of the shares of two windows ago: above 0, what was new then has stayed; "
        "it lags by two windows.",
    ),
    "entropy": Measure(
        "bits",
        None,
        False,
        "Entropy of the clusters' shares in the current window; 0 where all speak of one thing.",
    ),
    "effective_clusters": Measure(
        "",
        None,
        False,
        "Number of equally large clusters that would have the same entropy as the current window.",
    ),
    "births": Measure(
        "per_hour", None, False, "Clusters that emerged per hour of event time over the current window."
    ),
    "fades": Measure(
        "per_hour", None, False, "Clusters that faded per hour of event time over the current window."
    ),
    "merges": Measure(
        "per_hour", None, False, "Clusters that merged per hour of event time over the current window."
    ),
    "splits": Measure(
        "per_hour", None, False, "Clusters that split per hour of event time over the current window."
    ),
    "share_change": Measure(
        "ratio",
        "cluster",
        False,
        "Share of the cluster in the current window less its share in the reference window, -1 to 1; "
        "above 0 the topic grows.",
    ),
    "cluster_displacement": Measure(
        "ratio",
        "cluster",
        False,
        "Cosine distance that the cluster's centroid moved from the reference to the current window.",
    ),
    "balance": Measure(
        "ratio",
        "target",
        False,
        "Comments in favor less comments against, divided by both, in the current window: 1 all in favor, "
        "-1 all against.",
    ),
    "stance_shift": Measure(
        "ratio",
        "target",
        True,
        "Balance toward the target in the current window less that in the reference window, -2 to 2; "
        "above 0 opinion moves in favor.",
    ),
    "polarisation": Measure(
        "ratio",
        "target",
        False,
        "Esteban-Ray polarisation of the sides toward the target in the current window, scaled so that two "
        "equal opposing halves are 1; read from texts, so a proxy for that of the people.",
    ),
    "polarisation_change": Measure(
        "ratio",
        "target",
        False,
        "Polarisation toward the target in the current window less that in the reference window, -1 to 1.",
    ),
}
"""Every measure by its name, in the order in which they are shown."""


def key(measure: str, subject: str | None = None) -> str:
    """Name under which a value travels.

    Examples
    --------
    >>> key("share_shift"), key("displacement", "c42")
    ('share_shift', 'displacement/c42')
    """
    return measure if subject is None else f"{measure}/{subject}"


def split_key(name: str) -> tuple[str, str | None]:
    """Take a name that `key` made apart again.

    Examples
    --------
    >>> split_key("stance_shift/eu/pact")
    ('stance_shift', 'eu/pact')
    """
    measure, slash, subject = name.partition("/")
    return measure, subject if slash else None


def target_of(name: str) -> str | None:
    """Return the target that a value is of, None if it is of none.

    Examples
    --------
    >>> target_of("balance/pact"), target_of("share_change/c42"), target_of("mmd")
    ('pact', None, None)
    """
    return _subject_of(name, "target")


def cluster_of(name: str) -> str | None:
    """Return the cluster that a value is of, None if it is of none."""
    return _subject_of(name, "cluster")


def _subject_of(name: str, kind: Subject) -> str | None:
    measure, subject = split_key(name)
    return subject if MEASURES[measure].subject == kind else None
