"""What a person can set about stances."""

from __future__ import annotations

from dataclasses import dataclass

from agents.bounds import check_bounds
from agents.errors import SettingsError
from agents.stance.target import Target, as_targets

__all__ = ["SHIPPED", "StanceSettings"]

SHIPPED = "groundswell"
"""Name of the model that is installed with Groundswell."""


@dataclass(frozen=True, slots=True)
class StanceSettings:
    """Which targets are judged, by what, and how surely a side must be seen.

    Raises
    ------
    SettingsError
        If a value is out of its range or a target is malformed.
    """

    targets: tuple[str | Target, ...] = ()
    """Bare phrases, or tables with `id`, `title`, `favor` and `against`; none switches judging off.
    `groundswell stance suggest FILE` drafts some."""

    model: str = SHIPPED
    """`groundswell` (installed with it, English), or the name or folder of any Sentence Transformers
    CrossEncoder with two or three classes of entailment or stance."""

    hypothesis_template: str = "{}"
    """How a statement is put to a CrossEncoder; `{}` stands for the statement."""

    heads: tuple[str, ...] = ()
    """Files that `groundswell stance train` wrote; a target with a head is judged by it, not by the model."""

    gate: float = 0.5
    """How probably a comment must be about a target to be judged, 0 to 1. Lower judges more."""

    confidence: float = 0.55
    """How probable a side must be to be named, 0.5 to 1; below it the judgement is `none`."""

    batch_size: int = 64
    """Pairs of comment and statement that are read between two looks at the clock, 1 to 4096."""

    max_tokens: int = 128
    """Tokens of a piece and a statement together, 32 to 512; the end of the piece is cut off."""

    piece_tokens: int = 36
    """Tokens of a comment that are read together, 8 to 512; a longer one is read in pieces of whole
    sentences, since the network learnt from claims of a sentence or two."""

    max_pieces: int = 8
    """Pieces of a long comment that are read, 1 to 64; the rest is left out."""

    threads: int = 1
    """Threads of the model; the encoder needs the other cores, so that topics never wait for stances."""

    recent_comments: int = 100_000
    """Comments per partition whose sides are known, so that an edit or retraction corrects the counts."""

    exemplars: int = 3
    """Comments of a side that a tick shows, per target and micro-cluster: the surest that read well alone."""

    excerpt_characters: int = 280
    """Characters of the text in a judgement; 0 for none, -1 for all of it."""

    def __post_init__(self) -> None:
        """Check every value."""
        check_bounds(
            "stance",
            self,
            gate=(0, 1),
            confidence=(0.5, 1),
            batch_size=(1, 4096),
            max_tokens=(32, 512),
            piece_tokens=(8, 512),
            max_pieces=(1, 64),
            threads=(1, 256),
            recent_comments=(0, 1_000_000),
            exemplars=(0, 20),
            excerpt_characters=(-1, 100_000),
        )
        if not self.model.strip():
            raise SettingsError(
                f"stance.model is empty; name a model. Set it in groundswell.toml, e.g. model = {SHIPPED!r}."
            )
        if "{}" not in self.hypothesis_template:
            raise SettingsError(
                f"stance.hypothesis_template is {self.hypothesis_template!r}; it must hold {{}} for the "
                'statement. Set it in groundswell.toml, e.g. hypothesis_template = "The author thinks: {}".'
            )
        as_targets(self.targets)

    @property
    def judged(self) -> tuple[Target, ...]:
        """The targets, those made from phrases included."""
        return as_targets(self.targets)
