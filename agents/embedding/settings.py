"""What a person can set about reading and encoding comments."""

from __future__ import annotations

from dataclasses import dataclass

from agents.bounds import check_bounds
from agents.errors import SettingsError

__all__ = ["EmbeddingSettings"]


@dataclass(frozen=True, slots=True)
class EmbeddingSettings:
    """How comments are read and encoded.

    Raises
    ------
    SettingsError
        If a value is out of its range.
    """

    encoder: str = "all-MiniLM-L6-v2"
    """`all-MiniLM-L6-v2` (installed with Groundswell), `static` (distilled from it, some thirty
    times faster), or the name or folder of any Sentence Transformers model."""

    batch_size: int = 16
    """Comments that pass through the network together, 1 to 4096. Few of like length are fastest on
    a processor: all are padded to the longest."""

    max_characters: int = 20_000
    """A longer text is embedded by its beginning and marked as truncated; at least 100."""

    max_bytes: int = 262_144
    """A larger record is rejected; at least 1024."""

    future_seconds: float = 300.0
    """How far a comment's time may lie after its Kafka record's; beyond it is rejected."""

    cache_folder: str = "~/.cache/groundswell"
    """Where the distilled static encoder is kept."""

    def __post_init__(self) -> None:
        """Check every value."""
        check_bounds(
            "embedding",
            self,
            batch_size=(1, 4096),
            max_characters=(100, 10_000_000),
            max_bytes=(1024, 1_000_000),
            future_seconds=(0, 86_400),
        )
        if not self.encoder.strip():
            raise SettingsError(
                "embedding.encoder is empty; name a model. "
                'Set it in groundswell.toml, e.g. encoder = "all-MiniLM-L6-v2".'
            )
