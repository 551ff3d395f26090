"""A node of Apache Kafka without Docker: its jars by Maven, its data in a folder.

``python -m tests.support.kafka`` runs one until it is interrupted (``make kafka``). The tests of the
road start their own: they stop it in the middle, start it again on the same data, and let it speak
SASL_SSL.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

__all__ = ["Certificates", "Kafka", "NoKafkaError", "free_port", "jars", "make_certificates", "running"]

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config" / "kafka"
CACHE = ROOT / ".cache" / "kafka"

READY = "Kafka Server started"
"""What the broker logs once it takes requests."""

READY_SECONDS = 90.0
"""Starting takes six seconds on two idle cores; this many when they are busy."""

STOP_SECONDS = 60.0

CLUSTER_ID = "R3JvdW5kc3dlbGwtdGVzdA"
"""Any 16 bytes in base64."""


class NoKafkaError(RuntimeError):
    """Java, Maven or the jars are missing, or the broker did not come up."""


def jars() -> Path:
    """Return the folder of the broker's jars, fetched once for each state of ``pom.xml``."""
    pom = CONFIG / "pom.xml"
    folder = CACHE / hashlib.sha256(pom.read_bytes()).hexdigest()[:12]
    if folder.is_dir():
        return folder
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise NoKafkaError(
                f"{tool} is not installed; install Java 17 and Maven, or use the embedded broker."
            )
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as fresh:
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={fresh}"]
        made = subprocess.run(
            ["mvn", "-q", "-B", "-f", str(pom), *goal], capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise NoKafkaError(f"Maven could not fetch the jars:\n{made.stdout[-2000:]}{made.stderr[-2000:]}")
        with contextlib.suppress(OSError):  # another run was faster
            Path(fresh).rename(folder)
        Path(fresh).mkdir(exist_ok=True)
    return folder


def free_port() -> int:
    """Return a TCP port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Certificates:
    """An authority of our own, and a key and certificate for localhost in one file."""

    authority: Path
    node: Path


def make_certificates(folder: Path) -> Certificates:
    """Make an authority and a certificate for localhost that it has signed."""
    authority, authority_key = folder / "ca.pem", folder / "ca.key"
    key, request, certificate = folder / "node.key", folder / "node.csr", folder / "node.pem"
    names = folder / "names.cnf"
    names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    new = "openssl req -newkey rsa:2048 -nodes -keyout {} -out {} -subj {}"
    for command in (
        f"{new.format(authority_key, authority, '/CN=test-authority')} -x509 -days 2 "
        "-addext keyUsage=critical,keyCertSign,cRLSign",
        new.format(key, request, "/CN=localhost"),
        f"openssl x509 -req -in {request} -CA {authority} -CAkey {authority_key} -CAcreateserial -days 2 "
        f"-extfile {names} -out {certificate}",
    ):
        subprocess.run(command.split(), check=True, capture_output=True)
    both = folder / "node-with-key.pem"
    both.write_text(key.read_text() + certificate.read_text())
    return Certificates(authority, both)


class Kafka:
    """One node, controller and broker in one.

    Parameters
    ----------
    folder
        Where its settings, data and log lie; they survive `stop` and `kill`.
    port
        Where it listens without encryption; a free one unless given.
    certificates
        With them it also listens for SASL_SSL, at `secure_bootstrap`.
    users
        Names and passwords that may log in there, by SCRAM-SHA-512 and PLAIN.
    heap
        Memory of the Java process.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        certificates: Certificates | None = None,
        users: Mapping[str, str] | None = None,
        heap: str = "512m",
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.secure_port = free_port()
        self._controller_port = free_port()
        self._certificates = certificates
        self._users = dict(users or {})
        self._heap = heap
        self._process: subprocess.Popen[str] | None = None
        self._ready = threading.Event()
        self._ended = threading.Event()

    @property
    def bootstrap(self) -> str:
        """Address without encryption."""
        return f"localhost:{self.port}"

    @property
    def secure_bootstrap(self) -> str:
        """Address for SASL_SSL."""
        return f"localhost:{self.secure_port}"

    @property
    def log(self) -> Path:
        """What the broker logged."""
        return self.folder / "kafka.log"

    def start(self) -> None:
        """Start the node, for the first time or again, and return once it takes requests.

        Raises
        ------
        NoKafkaError
            If it does not come up.
        """
        settings = self.folder / "server.properties"
        if not settings.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            settings.write_text((CONFIG / "server.properties").read_text() + self._own_settings())
            self._format(settings)
        self._ready.clear()
        self._ended.clear()
        self._process = subprocess.Popen(
            self._java("kafka.Kafka", str(settings)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # a Ctrl-C on the terminal is for the one who started it
        )
        assert self._process.stdout is not None
        threading.Thread(target=self._follow, args=(self._process.stdout,), daemon=True).start()
        if not self._ready.wait(READY_SECONDS) or self._ended.is_set():
            self.kill()
            raise NoKafkaError(f"Kafka did not come up:\n{self.log.read_text()[-3000:]}")

    def stop(self) -> None:
        """Stop it cleanly; its data stays."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Stop it at once, as a power failure would."""
        self._end(signal.SIGKILL)

    def wait(self) -> None:
        """Return when the broker ends."""
        self._ended.wait()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._ended.wait(STOP_SECONDS)

    def _follow(self, output: IO[str]) -> None:
        with self.log.open("a") as log, output:
            for line in output:
                log.write(line)
                log.flush()
                if READY in line:
                    self._ready.set()
        self._ended.set()
        self._ready.set()

    def _format(self, settings: Path) -> None:
        users = [f"SCRAM-SHA-512=[name={name},password={word}]" for name, word in self._users.items()]
        scram = [part for user in users for part in ("--add-scram", user)]
        made = subprocess.run(
            self._java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(settings), *scram),
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise NoKafkaError(f"Kafka's storage could not be formatted:\n{made.stdout}{made.stderr}")

    def _java(self, main: str, *arguments: str) -> list[str]:
        simple = "-Dorg.slf4j.simpleLogger"
        return [
            "java",
            f"-Xmx{self._heap}",
            f"{simple}.logFile=System.out",
            f"{simple}.showDateTime=true",
            f"{simple}.defaultLogLevel=info",
            "-cp",
            f"{jars()}/*",
            main,
            *arguments,
        ]

    def _own_settings(self) -> str:
        listeners = [f"INTERNAL://localhost:{self.port}"]
        protocols = "INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
        secure = ""
        if self._certificates:
            listeners.append(f"SECURE://localhost:{self.secure_port}")
            protocols += ",SECURE:SASL_SSL"
            secure = self._secure_settings(self._certificates)
        return f"""
# this node
controller.quorum.voters=1@localhost:{self._controller_port}
listeners=CONTROLLER://localhost:{self._controller_port},{",".join(listeners)}
advertised.listeners={",".join(listeners)}
listener.security.protocol.map={protocols}
log.dirs={self.folder / "data"}
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
{secure}"""

    def _secure_settings(self, certificates: Certificates) -> str:
        plain = " ".join(f'user_{name}="{word}"' for name, word in self._users.items())
        module = "org.apache.kafka.common.security"
        return f"""
listener.name.secure.sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.secure.scram-sha-512.sasl.jaas.config={module}.scram.ScramLoginModule required;
listener.name.secure.plain.sasl.jaas.config={module}.plain.PlainLoginModule required {plain};
ssl.keystore.type=PEM
ssl.keystore.location={certificates.node}
"""


@contextlib.contextmanager
def running(folder: Path | None = None, port: int | None = None) -> Iterator[Kafka]:
    """Run a node for the length of the block, in a temporary folder unless one is given."""
    with contextlib.ExitStack() as stack:
        where = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kafka-")))
        kafka = Kafka(where, port=port)
        stack.callback(kafka.stop)
        kafka.start()
        yield kafka


def main() -> None:
    """Run a node until it is interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.kafka", description=main.__doc__)
    parser.add_argument("--port", type=int, default=9092, help="where to listen (9092)")
    parser.add_argument("--data", type=Path, help="folder of its data; a temporary one unless given")
    parser.add_argument("--fetch", action="store_true", help="only fetch the broker's jars")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        if arguments.fetch:
            jars()
            return
        with running(arguments.data, arguments.port) as kafka:
            print(f"Kafka is ready at {kafka.bootstrap}; Ctrl-C stops it.", flush=True)  # noqa: T201
            kafka.wait()
            sys.exit(f"Kafka ended by itself; the end of its log:\n{kafka.log.read_text()[-2000:]}")
    except NoKafkaError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        os.write(2, b"stopping\n")


if __name__ == "__main__":
    main()
