"""``make bench-peers``: topics of one labelled stream by us, BERTopic's online mode and River's DBSTREAM.

All get the same vectors in the same order, in one process, one after the other; a rate counts what
comes after the encoder. BERTopic's online mode is the documented one (incremental PCA, mini-batch
k-means with as many clusters as it is told, here the true number of labels, which only it knows; a
comment's topic is what the batch that held it said). DBSTREAM (Hahsler and Bolaños 2016) gets unit
vectors, where a Euclidean distance of 1 is a cosine of 0.5; a comment's topic is what it predicts
on arrival. It compares in Python, so it gets the beginning of the stream only.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from agents.evaluation import Trial, score
from streams.cli.common import settings_from
from streams.cli.evaluate import as_embedded, read_rows, vectors_of
from streams.feeds.sample import SAMPLE

__all__ = ["main"]

Vectors = NDArray[np.float32]
Rows = list[dict[str, Any]]

TOGETHER = 256
"""Comments that BERTopic learns at once."""

RADIUS = 1.0
"""Euclidean distance of unit vectors at which DBSTREAM founds a micro-cluster: a cosine of 0.5."""

MOST_FOR_DBSTREAM = 2_000


def ours(rows: Rows, vectors: Vectors, n_labels: int) -> list[str | None]:
    """Return the cluster that each comment settled in."""
    settings = settings_from()
    trial = Trial(settings.clustering, settings.charting, settings.time, batch=TOGETHER)
    comments = as_embedded(rows, vectors.astype(np.float16), "given", settings)
    trial.run(comments)
    return [trial.settled(comment.id) for comment in comments]


def bertopic(rows: Rows, vectors: Vectors, n_labels: int) -> list[str | None]:
    """Return the topic that each comment had when its batch was learned."""
    from bertopic import BERTopic
    from bertopic.vectorizers import OnlineCountVectorizer
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.decomposition import IncrementalPCA

    model = BERTopic(
        umap_model=IncrementalPCA(n_components=5),
        hdbscan_model=MiniBatchKMeans(n_clusters=n_labels, random_state=0),
        vectorizer_model=OnlineCountVectorizer(stop_words="english", decay=0.01),
    )
    texts = [str(row["text"]) for row in rows]
    found: list[str | None] = []
    at = 0
    while at < len(texts):
        rest = len(texts) - at
        first = max(TOGETHER, n_labels)  # k-means can't begin with fewer comments than clusters
        take = rest if rest < 2 * first else first
        model.partial_fit(texts[at : at + take], embeddings=vectors[at : at + take].astype(float))
        found += [str(topic) for topic in model.topics_]
        at += take
    return found


def dbstream(rows: Rows, vectors: Vectors, n_labels: int) -> list[str | None]:
    """Return the cluster that DBSTREAM predicts for each comment once it has learned it."""
    from river.cluster import DBSTREAM

    model = DBSTREAM(clustering_threshold=RADIUS, fading_factor=0.001, cleanup_interval=100)
    found: list[str | None] = []
    for vector in vectors:
        named = dict(enumerate(vector.tolist()))
        model.learn_one(named)
        found.append(str(model.predict_one(named)))
    return found


METHODS: tuple[tuple[str, Callable[[Rows, Vectors, int], list[str | None]], int | None], ...] = (
    ("ours", ours, None),
    ("BERTopic, online", bertopic, None),
    ("River DBSTREAM", dbstream, MOST_FOR_DBSTREAM),
)


def main(arguments: Sequence[str]) -> None:
    """Run all on FILE LABEL [VECTORS], or on the sample discussion with the topics written into it."""
    warnings.simplefilter("ignore")
    file, label = (Path(arguments[0]), arguments[1]) if arguments else (SAMPLE, "topic")
    kept = Path(arguments[2]) if len(arguments) > 2 else None
    truth = None if arguments else {row["id"]: row for row in _lines(SAMPLE.with_name("truth.jsonl"))}
    rows = read_rows(file, label, truth)
    matrix, name, _ = vectors_of([row["text"] for row in rows], settings_from(), kept)
    labels = [str(row[label]) for row in rows]
    table = Table(
        *("method", "comments", "clusters", "NMI", "AMI", "ARI", "comments/s", "of our rate"),
        title=f"{file.name}, {len(set(labels))} labels, vectors of {name}",
        title_justify="left",
    )
    our_rate = float("nan")
    for method, run, most in METHODS:
        n = min(len(rows), most or len(rows))
        started = time.perf_counter()
        found = run(rows[:n], matrix[:n].astype(np.float32), len(set(labels)))
        rate = n / (time.perf_counter() - started)
        our_rate = rate if method == "ours" else our_rate
        scores = score(labels[:n], found)
        quality = (f"{each:.3f}" for each in (scores.nmi, scores.ami, scores.ari))
        n_clusters = len(set(found) - {None})
        table.add_row(method, f"{n:,}", f"{n_clusters}", *quality, f"{rate:,.0f}", f"{rate / our_rate:.2f}")
    Console().print(table)


def _lines(file: Path) -> Rows:
    import msgspec

    decoder = msgspec.json.Decoder()
    return [decoder.decode(line) for line in file.read_bytes().splitlines()]


if __name__ == "__main__":
    main(sys.argv[1:])
