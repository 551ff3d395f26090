"""``make bench-peers``: topics of one labelled stream by us, BERTopic's online mode and River's DBSTREAM.

All get the same vectors in the same order, in one process, one after the other; a rate counts what
comes after the encoder, nothing is imported while the clock runs, and Python runs as it does in a
worker. BERTopic's online mode is the documented one (incremental PCA, mini-batch k-means with as many
clusters as it is told, here the true number of labels, which only it knows; a comment's topic is what
the batch that held it said). It learns twice: with every tick, so its topics are as fresh as ours, and
`TOGETHER` comments at a time, where it is faster and a topic waits longer. DBSTREAM (Hahsler and Bolaños
2016) gets unit vectors, where a Euclidean distance of 1 is a cosine of 0.5; a comment's topic is what it
predicts on arrival. It compares in Python, so allow it some minutes.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from agents.evaluation import Trial, score
from agents.records import Embedded
from streams.cli.common import settings_from
from streams.cli.evaluate import as_embedded, read_rows, vectors_of
from streams.feeds.sample import SAMPLE
from streams.process import settle

__all__ = ["main"]

Vectors = NDArray[np.float32]
Rows = list[dict[str, Any]]

TOGETHER = 256
"""Comments that BERTopic learns at once where it may wait for them."""

COMPONENTS = 5
"""Dimensions that BERTopic groups in, as its documentation has it."""

RADIUS = 1.0
"""Euclidean distance of unit vectors at which DBSTREAM founds a micro-cluster: a cosine of 0.5."""

WARM_UP = 500
"""Comments that each method sees once before its clock runs."""


@dataclass(frozen=True)
class Stream:
    """A labelled stream with its vectors."""

    rows: Rows
    vectors: Vectors
    n_labels: int

    def first(self, n: int) -> Stream:
        """Return its beginning."""
        return Stream(self.rows[:n], self.vectors[:n], self.n_labels)

    def comments(self) -> list[Embedded]:
        """Return it as ASSIGN reads it."""
        return as_embedded(self.rows, self.vectors.astype(np.float16), "given", settings_from())


def ours(stream: Stream) -> list[str | None]:
    """Return the cluster that each comment settled in."""
    settings = settings_from()
    trial = Trial(settings.clustering, settings.charting, settings.time, batch=TOGETHER)
    comments = stream.comments()
    trial.run(comments)
    return [trial.settled(comment.id) for comment in comments]


def bertopic_by_tick(stream: Stream) -> list[str | None]:
    """Return the topic that each comment had when its tick was learned."""
    tick_seconds = settings_from().time.tick_seconds
    ticks = [comment.event_time.timestamp() // tick_seconds for comment in stream.comments()]
    ends = [i for i in range(1, len(ticks)) if ticks[i] != ticks[i - 1]]
    return _bertopic(stream, ends)


def bertopic_together(stream: Stream) -> list[str | None]:
    """Return the topic that each comment had when its batch was learned."""
    return _bertopic(stream, range(TOGETHER, len(stream.rows), TOGETHER))


def _bertopic(stream: Stream, ends: Iterable[int]) -> list[str | None]:
    from bertopic import BERTopic
    from bertopic.vectorizers import OnlineCountVectorizer
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.decomposition import IncrementalPCA

    model = BERTopic(
        umap_model=IncrementalPCA(n_components=COMPONENTS),
        hdbscan_model=MiniBatchKMeans(n_clusters=stream.n_labels, random_state=0),
        vectorizer_model=OnlineCountVectorizer(stop_words="english", decay=0.01),
    )
    texts, vectors = [str(row["text"]) for row in stream.rows], stream.vectors.astype(float)
    found: list[str | None] = []
    for end in [*ends, len(texts)]:
        at = len(found)
        # k-means can't begin with fewer comments than clusters, nor PCA learn fewer than components
        if end == len(texts) or end - at >= (COMPONENTS if at else stream.n_labels):
            model.partial_fit(texts[at:end], embeddings=vectors[at:end])
            found += [str(topic) for topic in model.topics_]
    return found


def dbstream(stream: Stream) -> list[str | None]:
    """Return the cluster that DBSTREAM predicts for each comment once it has learned it."""
    from river.cluster import DBSTREAM

    model = DBSTREAM(clustering_threshold=RADIUS, fading_factor=0.001, cleanup_interval=100)
    found: list[str | None] = []
    for vector in stream.vectors:
        named = dict(enumerate(vector.tolist()))
        model.learn_one(named)
        found.append(str(model.predict_one(named)))
    return found


METHODS: dict[str, Callable[[Stream], list[str | None]]] = {
    "ours": ours,
    "BERTopic, every tick": bertopic_by_tick,
    f"BERTopic, {TOGETHER} at once": bertopic_together,
    "River DBSTREAM": dbstream,
}


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
        *("method", "clusters", "NMI", "AMI", "ARI", "comments/s", "of our rate"),
        title=f"{file.name}, {len(rows):,} comments, {len(set(labels))} labels, vectors of {name}",
        title_justify="left",
    )
    stream = Stream(rows, matrix.astype(np.float32), len(set(labels)))
    our_rate = float("nan")
    for method, run in METHODS.items():
        run(stream.first(WARM_UP))
        settle()
        started = time.perf_counter()
        found = run(stream)
        rate = len(rows) / (time.perf_counter() - started)
        our_rate = rate if method == "ours" else our_rate
        scores = score(labels, found)
        quality = (f"{each:.3f}" for each in (scores.nmi, scores.ami, scores.ari))
        n_clusters = len(set(found) - {None})
        table.add_row(method, f"{n_clusters}", *quality, f"{rate:,.0f}", f"{rate / our_rate:.2f}")
    Console(width=120).print(table)


def _lines(file: Path) -> Rows:
    import msgspec

    decoder = msgspec.json.Decoder()
    return [decoder.decode(line) for line in file.read_bytes().splitlines()]


if __name__ == "__main__":
    main(sys.argv[1:])
