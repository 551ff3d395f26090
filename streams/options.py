"""What a person can set about the road itself: broker and topics."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from agents.bounds import check_bounds
from agents.errors import SettingsError
from streams.broker import EMBEDDED

__all__ = ["BrokerSettings", "TopicSettings"]

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """Where Kafka is and how to log in.

    Raises
    ------
    SettingsError
        If a value is out of its range.
    """

    url: str = EMBEDDED
    """`embedded` starts a broker in the process; else `host:port`, several separated by commas."""

    protocol: Protocol = "PLAINTEXT"
    """How to speak to it."""

    mechanism: Mechanism = "SCRAM-SHA-512"
    """How to log in, with a SASL protocol."""

    username: str = ""
    """Who logs in, with a SASL protocol."""

    password: str = field(default="", repr=False)
    """Better given as GROUNDSWELL_BROKER__PASSWORD than written to a file."""

    ca_file: str = ""
    """Certificates to trust, with an SSL protocol; empty trusts the system's."""

    cert_file: str = ""
    """Our own certificate, where the broker asks for one."""

    key_file: str = ""
    """Its key."""

    def __post_init__(self) -> None:
        """Check every value."""
        if self.url != EMBEDDED and not re.fullmatch(r"[^\s,:/@]+:\d+(,[^\s,:/@]+:\d+)*", self.url):
            shown = re.sub(r".*@", "…@", self.url)  # a login may hold a password
            raise SettingsError(
                f"broker.url is {shown!r}; it must be {EMBEDDED!r} or host:port, several separated by "
                'commas. Set it in groundswell.toml, e.g. url = "kafka-1:9092".'
            )
        if self.protocol.startswith("SASL") and not (self.username and self.password):
            raise SettingsError(
                f"broker.protocol is {self.protocol}, but broker.username or broker.password is empty. "
                "Set both, the password as GROUNDSWELL_BROKER__PASSWORD."
            )
        for name in ("ca_file", "cert_file", "key_file"):
            path = getattr(self, name)
            if path and not Path(path).is_file():
                raise SettingsError(f"broker.{name} is {path!r}, which is no file. Give the path of one.")

    def client(self) -> dict[str, Any]:
        """Return aiokafka's settings for it, empty for a plain connection."""
        if self.protocol == "PLAINTEXT":
            return {}
        security: dict[str, Any] = {"security_protocol": self.protocol}
        if "SSL" in self.protocol.split("_"):
            context = ssl.create_default_context(cafile=self.ca_file or None)
            if self.cert_file:
                context.load_cert_chain(self.cert_file, self.key_file or None)
            security["ssl_context"] = context
        if self.protocol.startswith("SASL"):
            security |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return security


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """What the topics are called and how they are made.

    Raises
    ------
    SettingsError
        If a value is out of its range.
    """

    prefix: str = "groundswell."
    """What every topic name begins with: one deployment is one prefix."""

    partitions: int = 8
    """Partitions of a topic, 1 to 512; fixed at creation. The embedded broker always has 4."""

    replication: int = 1
    """Copies of a topic on Kafka's brokers, 1 to 9."""

    create: bool = True
    """Whether a worker makes missing topics when it starts."""

    keyed_by_id: bool = False
    """Whether feeds key comments by id always, to spread one huge discussion over all partitions."""

    per_cluster: bool = False
    """Whether each live cluster's assignments also go to a topic of its own, `cluster.<id>`."""

    per_side: bool = False
    """Whether each side's judgements also go to a topic of their own, `stance.<target>.<side>`."""

    extra_topics: int = 50
    """Most topics that both may make, 1 to 1000: the largest clusters get one and keep it for life."""

    def __post_init__(self) -> None:
        """Check every value."""
        check_bounds("topics", self, partitions=(1, 512), replication=(1, 9), extra_topics=(1, 1000))
        if not re.fullmatch(r"[A-Za-z0-9._-]{0,100}", self.prefix):
            raise SettingsError(
                f"topics.prefix is {self.prefix!r}; Kafka takes up to 100 letters, digits, dots, dashes and "
                'underscores. Set it in groundswell.toml, e.g. prefix = "city-hall.".'
            )
