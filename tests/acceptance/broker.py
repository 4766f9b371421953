"""A mosquitto broker for tests: started, killed and brought back, and what arrives at it."""

import json
import os
import shutil
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Self

# Debian keeps it where only root's PATH looks.
MOSQUITTO = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
TIMEOUT = 30
# Each change is on the disk at once, so that a killed broker knows its clients when it comes back.
PERSISTENT = """
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 1
max_queued_messages 0
"""


def free_port() -> int:
    """A TCP port of loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_listening(port: int) -> None:
    """Returns when somebody listens at a port of loopback."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, f"nobody listens at port {port}"
            time.sleep(0.05)


class Running(ABC):
    """Something that is killed at the end of a with statement."""

    @abstractmethod
    def kill(self) -> None:
        """Ends it at once."""

    def __enter__(self) -> Self:
        """Runs already."""
        return self

    def __exit__(self, *fault: object) -> None:
        """Ends it."""
        self.kill()


class Broker(Running):
    """A broker at a port of its own."""

    def __init__(self, folder: Path, *settings: str, tls: bool = False) -> None:
        """`settings` are further lines of mosquitto.conf; without one anybody may connect."""
        self.folder = folder
        self.port = free_port()
        self.url = f"{'mqtts' if tls else 'mqtt'}://localhost:{self.port}"
        self.process: Popen[bytes] | None = None
        text = f"listener {self.port} 127.0.0.1\nuser root\n" + PERSISTENT.format(folder=folder)
        lines = settings or ("allow_anonymous true",)
        (folder / "mosquitto.conf").write_text(text + "\n".join(lines) + "\n")

    def start(self) -> None:
        """Starts it, for the first time or again."""
        assert MOSQUITTO, "needs Debian's package mosquitto: make test-packages"
        conf = self.folder / "mosquitto.conf"
        with (self.folder / "log").open("ab") as log:
            self.process = Popen([MOSQUITTO, "-v", "-c", str(conf)], stdout=log, stderr=log)
        wait_until_listening(self.port)

    def kill(self) -> None:
        """As by `kill -9`."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def __enter__(self) -> Self:
        """Starts it."""
        self.start()
        return self

    def log(self) -> str:
        """What it says."""
        return (self.folder / "log").read_text(errors="replace")


class Subscriber(Running):
    """A client that is told all messages, and whose session outlives the broker."""

    def __init__(self, broker: Broker, *options: str, topic: str = "#") -> None:
        """`options` are further ones of mosquitto_sub."""
        self.path = broker.folder / "received"
        command = ["mosquitto_sub", "-p", str(broker.port), "-h", "localhost", "-q", "1", "-v"]
        command += ["-t", topic, "-i", "subscriber", "-c", "-k", "5", *options]
        with self.path.open("wb") as to:
            self.process = Popen(command, stdout=to, stderr=DEVNULL)
        self.wait_for_subscription(broker)

    @staticmethod
    def wait_for_subscription(broker: Broker) -> None:
        """Returns when the broker has answered the subscription."""
        deadline = time.monotonic() + TIMEOUT
        while "Sending SUBACK to subscriber" not in broker.log():
            assert time.monotonic() < deadline, broker.log()
            time.sleep(0.05)

    def received(self) -> list[tuple[str, str]]:
        """Topic and payload of each message that has arrived."""
        whole = self.path.read_text().split("\n")[:-1]
        pairs = [line.split(" ", 1) for line in whole]
        return [(topic, payload) for topic, payload in pairs]

    def wait_for(self, count: int) -> list[tuple[str, str]]:
        """Topic and payload of each message, when at least `count` different ones have arrived."""
        deadline = time.monotonic() + TIMEOUT
        while len(set(self.received())) < count:
            assert time.monotonic() < deadline, self.received()
            time.sleep(0.05)
        return self.received()

    def kill(self) -> None:
        """Ends it."""
        self.process.kill()
        self.process.wait()


def first_times(messages: Sequence[str]) -> list[str]:
    """Each message once, where it came first."""
    return list(dict.fromkeys(messages))


def is_json(text: str) -> bool:
    """Whether a payload is one JSON object."""
    return isinstance(json.loads(text), dict)


def certify(folder: Path) -> tuple[Path, Path, Path]:
    """A new authority, and a certificate of it for localhost: the three PEM files of both."""
    ca, key, certificate = (folder / name for name in ("ca.pem", "key.pem", "cert.pem"))
    ca_key, request, extensions = (folder / name for name in ("ca.key", "request", "extensions"))
    extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for command in (
        [*new, "-x509", "-subj", f"/CN=authority {folder.name}", "-keyout", ca_key, "-out", ca],
        [*new, "-subj", "/CN=localhost", "-keyout", key, "-out", request],
        ["openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key]
        + ["-CAcreateserial", "-extfile", extensions, "-out", certificate],
    ):
        subprocess.run(list(map(str, command)), check=True, capture_output=True, timeout=TIMEOUT)
    return ca, key, certificate
