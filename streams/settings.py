"""Settings: defaults < ``config/groundswell.toml`` < environment < command line.

Each package of `agents` owns its part; this module only composes them. A key that nobody knows
and a value out of its range are refused with the value, the bound and the remedy.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from pydantic import TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from pydantic_settings import SettingsError as PydanticSettingsError

from agents.charting.settings import ChartingSettings
from agents.clustering.settings import ClusteringSettings
from agents.clustering.ticks import TimeSettings
from agents.drift.settings import DriftSettings
from agents.embedding.settings import EmbeddingSettings
from agents.errors import SettingsError
from agents.stance.settings import StanceSettings
from streams.options import BrokerSettings, TopicSettings
from streams.road import DeliverySettings
from streams.web.post import PostSettings
from streams.web.settings import WebSettings

__all__ = ["DEFAULT_FILE", "SECRETS", "Settings", "Sourced", "fingerprint", "load_settings", "sources"]

DEFAULT_FILE: Final = Path("config/groundswell.toml")
"""Read when it is there; ``GROUNDSWELL_CONFIG`` names another."""

SECRETS: Final = frozenset({"broker.password", "post.token"})
"""Settings whose values are never shown."""

OWN: Final = {
    "broker": None,
    "topics": {"prefix", "partitions", "replication", "create"},
    "embedding": {"batch_size", "cache_folder"},
    "stance": {"targets", "batch_size", "threads"},
    "delivery": None,
    "web": None,
    "post": None,
}
"""What each worker may have its own way, None for a whole section, or what is compared otherwise: other
partitions are refused at the start, another prefix is another deployment, and a target may be put as a
phrase or in full."""

PREFIX: Final = "GROUNDSWELL_"
DELIMITER: Final = "__"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, by section."""

    broker: BrokerSettings = field(default_factory=BrokerSettings)
    topics: TopicSettings = field(default_factory=TopicSettings)
    embedding: EmbeddingSettings = field(default_factory=EmbeddingSettings)
    time: TimeSettings = field(default_factory=TimeSettings)
    clustering: ClusteringSettings = field(default_factory=ClusteringSettings)
    charting: ChartingSettings = field(default_factory=ChartingSettings)
    stance: StanceSettings = field(default_factory=StanceSettings)
    drift: DriftSettings = field(default_factory=DriftSettings)
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    web: WebSettings = field(default_factory=WebSettings)
    post: PostSettings = field(default_factory=PostSettings)


@dataclass(frozen=True, slots=True)
class Sourced:
    """One setting that is in force and where it comes from."""

    name: str
    value: Any
    source: str


class _Everything(BaseSettings):
    """Lets pydantic-settings read file and environment into one nested dictionary."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, extra="allow", env_parse_none_str="none"
    )
    broker: dict[str, Any] = {}
    topics: dict[str, Any] = {}
    embedding: dict[str, Any] = {}
    time: dict[str, Any] = {}
    clustering: dict[str, Any] = {}
    charting: dict[str, Any] = {}
    stance: dict[str, Any] = {}
    drift: dict[str, Any] = {}
    delivery: dict[str, Any] = {}
    web: dict[str, Any] = {}
    post: dict[str, Any] = {}


Layers = list[tuple[str, dict[str, Any]]]


def load_settings(
    overrides: Mapping[str, Mapping[str, Any]] | None = None, file: Path | None = None
) -> Settings:
    """Return the settings in force.

    Parameters
    ----------
    overrides
        What the command line says, by section; wins over everything.
    file
        Settings file; None reads ``GROUNDSWELL_CONFIG`` or `DEFAULT_FILE`.

    Raises
    ------
    SettingsError
        If a key is unknown or a value out of its range.
    """
    merged: dict[str, dict[str, Any]] = {}
    for name, layer in _layers(overrides, file):
        _refuse_unknown(layer, name)
        for section, values in layer.items():
            merged.setdefault(section, {}).update(values)
    return Settings(**{f.name: _section(f.name, merged.get(f.name, {})) for f in fields(Settings)})


def fingerprint(settings: Settings) -> str:
    """Return eight hexadecimal digits that tell settings apart in which all workers must agree.

    Examples
    --------
    >>> fingerprint(Settings()) == fingerprint(Settings(broker=BrokerSettings(url="kafka:9092")))
    True
    >>> fingerprint(Settings()) == fingerprint(Settings(time=TimeSettings(tick_seconds=10)))
    False
    """
    shared: dict[str, Any] = {"targets": settings.stance.judged}
    for section in fields(settings):
        own = OWN.get(section.name, set())
        if own is not None:
            part = getattr(settings, section.name)
            shared[section.name] = {
                each.name: getattr(part, each.name) for each in fields(part) if each.name not in own
            }
    return hashlib.sha256(msgspec.json.encode(shared, order="sorted")).hexdigest()[:8]


def sources(
    overrides: Mapping[str, Mapping[str, Any]] | None = None, file: Path | None = None
) -> Iterator[Sourced]:
    """Yield every setting in force with the layer that set it."""
    settings = load_settings(overrides, file)
    layers = _layers(overrides, file)
    for section in fields(settings):
        part = getattr(settings, section.name)
        for each in fields(part):
            setters = [name for name, layer in layers if each.name in layer.get(section.name, {})]
            yield Sourced(
                f"{section.name}.{each.name}", getattr(part, each.name), setters[-1] if setters else "default"
            )


def _layers(overrides: Mapping[str, Mapping[str, Any]] | None, file: Path | None) -> Layers:
    layers: Layers = []
    path = file or Path(os.environ.get(f"{PREFIX}CONFIG", DEFAULT_FILE))
    if path.is_file():
        try:
            layers.append((str(path), dict(TomlConfigSettingsSource(_Everything, path)())))
        except ValueError as cause:
            raise SettingsError(f"{path} is not TOML: {cause}. Mend that line.") from cause
    elif path != DEFAULT_FILE:
        raise SettingsError(f"the settings file {str(path)!r} does not exist. Give the path of one.")
    layers.append(("environment", _environment()))
    if overrides:
        layers.append(("command line", {name: dict(values) for name, values in overrides.items()}))
    return layers


def _environment() -> dict[str, Any]:
    known = {f.name for f in fields(Settings)} | {"config"}
    for name in os.environ:
        if name.startswith(PREFIX) and name[len(PREFIX) :].lower().split(DELIMITER)[0] not in known:
            raise SettingsError(
                f"the environment sets {name}, which is no setting; write "
                f"{PREFIX}SECTION{DELIMITER}KEY, e.g. {PREFIX}CLUSTERING{DELIMITER}HALF_LIFE_SECONDS=21600."
            )
    try:
        found = dict(EnvSettingsSource(_Everything)())
    except PydanticSettingsError as cause:
        raise SettingsError(
            f"the environment is not read ({cause}). A section given as one takes JSON; better write "
            f"{PREFIX}SECTION{DELIMITER}KEY, e.g. {PREFIX}CLUSTERING{DELIMITER}HALF_LIFE_SECONDS=21600."
        ) from cause
    return {name: _with_lists(name, values) for name, values in found.items() if isinstance(values, dict)}


def _with_lists(section: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Read the text of those settings that are lists: JSON, or the only thing in it."""
    defaults = getattr(Settings(), section)
    read = dict(values)
    for key, text in values.items():
        if isinstance(text, str) and isinstance(getattr(defaults, key, None), tuple):
            try:
                read[key] = msgspec.json.decode(text) if text.startswith("[") else [text] if text else []
            except msgspec.DecodeError as cause:
                raise SettingsError(
                    f"the environment sets {section}.{key} to {text!r}, which is no list ({cause}). Write it "
                    """in JSON, e.g. '["one", "other"]', or the only thing in it as it is."""
                ) from cause
    return read


def _refuse_unknown(layer: Mapping[str, Any], source: str) -> None:
    sections = {f.name: f for f in fields(Settings)}
    for section, values in layer.items():
        if section not in sections or not isinstance(values, Mapping):
            raise SettingsError(_unknown(f"[{section}]", section, sections, source))
        known = {f.name for f in fields(getattr(Settings(), section))}
        for key in values:
            if key not in known:
                raise SettingsError(_unknown(f"{section}.{key}", key, known, source))


def _unknown(what: str, name: str, known: Any, source: str) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}."
    return f"{source} sets {what}, which is no setting; {hint} `groundswell settings` lists all."


def _section(name: str, values: dict[str, Any]) -> Any:
    kind = type(getattr(Settings(), name))
    assert is_dataclass(kind)
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as cause:
        said = SettingsError("; ".join(_said(name, error) for error in cause.errors()))
        if any(secret.startswith(f"{name}.") for secret in SECRETS):
            raise said from None  # the cause shows what was given
        raise said from cause


def _said(section: str, error: Any) -> str:
    """Turn one of pydantic's errors into value, bound and remedy."""
    original = error.get("ctx", {}).get("error")
    if isinstance(original, SettingsError):
        return str(original)
    where = ".".join([section, *(str(part) for part in error["loc"])])
    given = "not what it takes" if where in SECRETS else repr(error["input"])
    return f"{where} is {given}: {error['msg']}. `groundswell settings` shows what it takes."
