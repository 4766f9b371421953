"""artpublish with a real broker: what arrives, and what happens while it is away."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen

import pytest

from .broker import TIMEOUT, Broker, Subscriber, certify, first_times, free_port
from .launch import COLOURS, launch, run

# Red is an action for the tiny model, blue is background.
FRAME_RATE = 30
FRAMES = f"video/x-raw,format=RGB,width=16,height=16,framerate={FRAME_RATE}/1"
STRETCH = 45
PASSWORD = "secret words"


def colours(actions: int, live: bool) -> str:
    """Red and blue by turns, as fast as the machine is or in real time."""
    parts = " ".join(
        f"videotestsrc num-buffers={STRETCH} pattern={pattern} ! {FRAMES} ! c."
        for _ in range(actions)
        for pattern in ("red", "blue")
    )
    clock = "! clocksync" if live else ""
    return f"{parts} concat name=c {clock} ! artclassify model={COLOURS} hop=1 policy=block"


def line(broker: str, to: Path, properties: str = "", actions: int = 3, live: bool = False) -> str:
    """A launch line that publishes everything, and writes the same down."""
    return (
        f"{colours(actions, live)} "
        f"! artpublish name=p broker={broker} content=all topic=art/{{element}} {properties} "
        f"! artmetaenc ! filesink location={to} buffer-mode=unbuffered"
    )


def written(sidecar: Path) -> list[str]:
    """The lines that artmetaenc wrote."""
    lines = sidecar.read_text().splitlines()
    assert len(lines) > STRETCH
    return lines


def assert_all_arrived(received: list[tuple[str, str]], sidecar: Path) -> int:
    """Every line arrived, in order, under its topic; tells how many came more than once."""
    payloads = [payload for _, payload in received]
    assert {topic for topic, _ in received} == {"art/p"}
    assert first_times(payloads) == written(sidecar)
    return len(payloads) - len(set(payloads))


@contextmanager
def launched(pipeline: str) -> Iterator[Popen[str]]:
    """A running gst-launch-1.0."""
    command = ["gst-launch-1.0", *pipeline.split()]
    with Popen(command, text=True, stdout=PIPE, stderr=STDOUT) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_lines(sidecar: Path, count: int) -> None:
    """Returns when so many lines are written."""
    deadline = time.monotonic() + TIMEOUT
    while not sidecar.exists() or sidecar.read_bytes().count(b"\n") < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_what_arrives_is_what_is_written(protocol: str, tmp_path: Path) -> None:
    """The lines of artmetaenc, once each, in their order, in both versions of MQTT."""
    sidecar = tmp_path / "events.jsonl"
    with Broker(tmp_path) as broker, Subscriber(broker) as subscriber:
        done = launch(line(broker.url, sidecar, f"protocol={protocol}"))
        assert done.status == 0 and "WARNING" not in done.output, done.output
        received = subscriber.wait_for(len(written(sidecar)))
        assert assert_all_arrived(received, sidecar) == 0
        assert "as artpublish-" in broker.log() and "disconnected" in broker.log()


def test_actions_alone_under_their_own_topic(tmp_path: Path) -> None:
    """content=actions, the default, behind an encoder, with QoS 0 and messages that stay."""
    with Broker(tmp_path) as broker:
        with Subscriber(broker) as subscriber:
            done = launch(
                f"{colours(2, False)} ! jpegenc ! artpublish broker={broker.url} qos=0 retain=true "
                "topic=halls/{element}/{type} name=pool ! fakesink"
            )
            assert done.status == 0, done.output
            received = subscriber.wait_for(4)
        states = re.findall(r'"state":"(\w+)"', " ".join(payload for _, payload in received))
        assert states == ["start", "stop"] * 2
        assert {topic for topic, _ in received} == {"halls/pool/action"}
        kept = run("mosquitto_sub", "-p", broker.port, "-t", "halls/#", "-C", 1, "-W", TIMEOUT)
        assert kept.output.strip() == received[-1][1]


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_a_broker_that_is_killed_and_comes_back(protocol: str, tmp_path: Path) -> None:
    """Nothing is lost, nothing comes out of order, and the video goes on in between."""
    sidecar = tmp_path / "events.jsonl"
    with Broker(tmp_path) as broker, Subscriber(broker) as subscriber:
        properties = f"protocol={protocol} linger=30000000000"
        with launched(line(broker.url, sidecar, properties, actions=4, live=True)) as process:
            for _ in range(2):
                before = len(subscriber.received())
                subscriber.wait_for(before + 10)
                broker.kill()
                at_kill = sidecar.read_bytes().count(b"\n")
                wait_for_lines(sidecar, at_kill + 15)
                broker.start()
            output, _ = process.communicate(timeout=TIMEOUT * 2)
        assert process.returncode == 0, output
        assert output.count("found no broker") == 2 and "not acknowledged" not in output, output
        received = subscriber.wait_for(len(written(sidecar)))
    twice = assert_all_arrived(received, sidecar)
    print(f"{len(received)} messages, {twice} of them twice")


def test_a_broker_that_is_never_there(tmp_path: Path) -> None:
    """The video goes on to its end; what is left is told."""
    sidecar = tmp_path / "events.jsonl"
    done = launch(line(f"mqtt://localhost:{free_port()}", sidecar, "linger=100000000"))
    assert done.status == 0, done.output
    lines = len(written(sidecar))
    assert "found no broker" in done.output and "ERROR" not in done.output
    assert f"{lines} messages were not acknowledged" in done.output, done.output
    assert "they are lost when the pipeline stops" in done.output


def test_a_spool_outlives_the_process(tmp_path: Path) -> None:
    """What a killed process and one that ended left in the spool is published by the next."""
    sidecars = [tmp_path / f"{n}.jsonl" for n in range(3)]
    spool = f"spool={tmp_path / 'spool'} linger=0"
    nowhere = f"mqtt://localhost:{free_port()}"
    with launched(line(nowhere, sidecars[0], spool, actions=9, live=True)) as process:
        wait_for_lines(sidecars[0], 20)
        time.sleep(0.5)
        process.kill()
    done = launch(line(nowhere, sidecars[1], spool))
    assert f"they stay in {tmp_path / 'spool'}" in done.output, done.output
    with Broker(tmp_path) as broker, Subscriber(broker) as subscriber:
        last = f"spool={tmp_path / 'spool'} linger=30000000000"
        done = launch(line(broker.url, sidecars[2], last))
        assert done.status == 0 and "not acknowledged" not in done.output, done.output
        first, second, third = (sidecar.read_text().splitlines() for sidecar in sidecars)
        # The process may have been killed with a line on its way to the spool.
        least = len(first) + len(second) + len(third) - 1
        subscriber.wait_for(len({*first[:-1], *second, *third}))
        received = [payload for _, payload in subscriber.received()]
    assert len(received) >= least
    assert received[-len(third) :] == third
    assert received[-len(third) - len(second) : -len(third)] == second
    assert (
        first[: len(received) - len(second) - len(third)] == received[: -len(second) - len(third)]
    )
    assert sorted(path.name for path in (tmp_path / "spool").iterdir()) == ["lock"]


def test_the_oldest_are_dropped(tmp_path: Path) -> None:
    """A bound on messages keeps the newest ones, and counts the others."""
    sidecar = tmp_path / "events.jsonl"
    spool = f"spool={tmp_path / 'spool'} linger=0 max-messages=7"
    done = launch(line(f"mqtt://localhost:{free_port()}", sidecar, spool))
    assert done.status == 0, done.output
    assert len(re.findall("older ones were dropped so far", done.output)) == 1, done.output
    with Broker(tmp_path) as broker, Subscriber(broker) as subscriber:
        done = launch(
            f"videotestsrc num-buffers=1 ! {FRAMES} ! artpublish broker={broker.url} "
            f"spool={tmp_path / 'spool'} ! fakesink"
        )
        assert done.status == 0, done.output
        received = [payload for _, payload in subscriber.wait_for(7)]
    assert received == written(sidecar)[-7:]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """An authority, and key and certificate for localhost."""
    return certify(tmp_path_factory.mktemp("certificates"))


def guarded(folder: Path, certificates: tuple[Path, Path, Path], *more: str) -> Broker:
    """A broker with TLS that asks for a password."""
    ca, key, certificate = certificates
    passwords = folder / "passwords"
    subprocess.run(
        ["mosquitto_passwd", "-c", "-b", str(passwords), "art", PASSWORD],
        check=True,
        timeout=TIMEOUT,
    )
    (folder / "password").write_text(f"{PASSWORD}\n")
    settings = ["allow_anonymous false", f"password_file {passwords}", f"cafile {ca}"]
    settings += [f"certfile {certificate}", f"keyfile {key}", *more]
    return Broker(folder, *settings, tls=True)


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_tls_and_password(
    protocol: str, certificates: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    """Everything arrives at a broker that wants both, and a certificate of its client besides."""
    ca, key, certificate = certificates
    sidecar = tmp_path / "events.jsonl"
    login = f"username=art password-file={tmp_path}/password ca-file={ca}"
    own = f"certificate-file={certificate} key-file={key}"
    client = ["-u", "art", "-P", PASSWORD, "--cafile", ca, "--cert", certificate, "--key", key]
    with guarded(tmp_path, certificates, "require_certificate true") as broker:
        with Subscriber(broker, *map(str, client)) as subscriber:
            done = launch(
                line(broker.url, sidecar, f"{login} {own} protocol={protocol}"), timeout=30
            )
            assert done.status == 0, done.output
            received = subscriber.wait_for(len(written(sidecar)))
        assert assert_all_arrived(received, sidecar) == 0
        done = launch(line(broker.url, sidecar, f"{login} protocol={protocol}"), timeout=30)
        assert_refused(done.output, "certificate-file")


def assert_refused(output: str, *words: str) -> None:
    """One error of the element says so, and that is all."""
    errors = [text for text in output.splitlines() if text.startswith("ERROR: from element ")]
    assert errors and "/GstArtPublish:p" in errors[0], output
    missing = [word for word in words if word not in errors[0]]
    assert not missing, errors[0]
    assert PASSWORD not in output and "CRITICAL" not in output


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_refusals(protocol: str, certificates: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """A wrong password, none at all, an unknown authority, and a port without TLS are errors."""
    ca, _, _ = certificates
    sidecar = tmp_path / "events.jsonl"
    (tmp_path / "wrong").write_text("another\n")
    (tmp_path / "other").mkdir()
    other, _, _ = certify(tmp_path / "other")

    def refused(url: str, properties: str, *words: str) -> None:
        done = launch(line(url, sidecar, f"{properties} protocol={protocol}"), timeout=30)
        assert done.status != 0, done.output
        assert_refused(done.output, *words)

    with guarded(tmp_path, certificates) as broker:
        login = f"username=art ca-file={ca} password-file={tmp_path}"
        refused(broker.url, f"{login}/wrong", broker.url, "NotAuthorized", "password-file")
        refused(broker.url, f"ca-file={ca}", "NotAuthorized", "username")
        refused(broker.url, f"ca-file={other}", "UnknownIssuer", "ca-file")
    (tmp_path / "plain").mkdir()
    with Broker(tmp_path / "plain") as broker:
        url = broker.url.replace("mqtt:", "mqtts:")
        done = launch(line(url, sidecar, f"ca-file={ca} linger=0 protocol={protocol}", live=True))
        # mosquitto hangs up without a word, which may be a fault that passes.
        assert "found no broker" in done.output or "one for TLS" in done.output, done.output


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ("", ["property broker: found nothing", "mqtt://localhost"]),
        ("broker=localhost:1883", ['found "localhost:1883"', "mqtt://HOST"]),
        ("broker=mqtt://a:b@localhost", ["username and password-file"]),
        ("broker=mqtt://localhost topic=a/#", ["property topic", "levels"]),
        ("broker=mqtt://localhost ca-file=x", ["property ca-file", "mqtts://"]),
        ("broker=mqtts://localhost ca-file=/no/file", ["/no/file", "ca-file"]),
        ("broker=mqtts://localhost key-file=x", ["property certificate-file"]),
        (
            "broker=mqtt://localhost username=a password-file=/no/file",
            ["/no/file", "password-file"],
        ),
        ("broker=mqtt://localhost spool=/proc/no", ["/proc/no: property spool"]),
    ],
)
def test_bad_properties(properties: str, words: list[str]) -> None:
    """Each is an error before the first frame."""
    done = launch(f"videotestsrc num-buffers=9 ! artpublish name=p {properties} ! fakesink")
    assert done.status != 0
    assert_refused(done.output, *words)
