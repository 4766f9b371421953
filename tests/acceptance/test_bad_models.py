"""Every bad model ends its pipeline with one error that says what is wrong.

No frame passes, nothing leaks. The cases lie in bad_models; each runs in a process of its own, two
at a time.
"""

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from .bad_models import CASES
from .bad_models.case import Case, clip_form, manifest, replace, together, write
from .bad_models.run_time import unlike
from .launch import COLOURS, Finished, assert_says, launch, only_error

TIMEOUT = 30
VIDEO = "videotestsrc num-buffers=60 pattern=red ! video/x-raw,format=RGB,width=64,height=48"
FRAMES_BYTES = 60 * 64 * 48 * 3


@dataclass(frozen=True)
class Ran:
    """What a pipeline with a model left behind."""

    done: Finished
    passed: int
    """Bytes of video that came out."""
    tracer: str
    """What GStreamer's tracer of leaks wrote."""


def run_model(folder: Path, location: Path, properties: str = "") -> Ran:
    """Runs a pipeline with the model at a location, and looks for what it leaks."""
    out, log = folder / "out.raw", folder / "leaks.log"
    traced = {"GST_TRACERS": "leaks", "GST_DEBUG": "GST_TRACER:7", "GST_DEBUG_FILE": str(log)}
    line = f"{VIDEO} ! artclassify model={location} {properties} ! filesink location={out}"
    done = launch(line, env={**os.environ, **traced}, timeout=TIMEOUT)
    return Ran(done, out.stat().st_size if out.exists() else 0, log.read_text(errors="replace"))


def assert_no_leak(ran: Ran) -> None:
    """No object outlived the pipeline, and the tracer was there to see it."""
    assert "object-alive.class" in ran.tracer, "the tracer of leaks did not run"
    left = [line for line in ran.tracer.splitlines() if "object-alive, type-name=(string)" in line]
    left = [line for line in left if "(string)%s" not in line]
    assert not left, "\n".join(left)


def run_case(case: Case, folder: Path) -> tuple[Path, Ran]:
    """Breaks a copy of the sound model and runs it."""
    model = Path(shutil.copytree(COLOURS, folder / "model"))
    case.change(model)
    return model, run_model(folder, model / case.location if case.location else model)


@pytest.fixture(scope="module")
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[tuple[Path, Ran]]]]:
    """The cases of this run, by name, under way two at a time."""
    items = (getattr(item, "callspec", None) for item in request.session.items)
    chosen = [spec.params["case"] for spec in items if spec and "case" in spec.params]
    with ThreadPoolExecutor(2) as pool:
        yield {
            case.name: pool.submit(run_case, case, tmp_path_factory.mktemp("case"))
            for case in chosen
            if not (case.needs_user and os.geteuid() == 0)
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_model(case: Case, running: dict[str, Future[tuple[Path, Ran]]]) -> None:
    """One broken thing in a model."""
    if case.name not in running:
        pytest.skip("root may read every file")
    folder, ran = running[case.name].result()
    assert ran.done.status > 0, f"status {ran.done.status}\n{ran.done.output}"
    assert ran.passed == 0, f"frames passed\n{ran.done.output}"
    assert_no_leak(ran)
    error = only_error(ran.done)
    print(error)
    assert len(error) < 1500
    assert_says(error, (str(folder), *case.words))


def test_cases_have_names_of_their_own() -> None:
    """No case hides another, and there are as many as the README says."""
    names = [case.name for case in CASES]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice
    readme = (COLOURS.parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"| {len(CASES)} kinds of bad models" in readme, len(CASES)


def linked(folder: Path) -> None:
    """Puts a link where the head was."""
    (folder / "head.onnx").rename(folder / "elsewhere")
    (folder / "head.onnx").symlink_to("elsewhere")


MANIFEST_TEXT = (COLOURS / "model.toml").read_bytes()
FROM_FILE = manifest('names = ["red", "green", "blue"]', 'file = "labels.txt"')
BOXES_ONLY = manifest('relevance = { name = "relevance" }\nqueries = { name = "queries" }\n', "")
NO_REGION = np.zeros((1, 0, 4, 4), np.float32)
SOUND = [
    Case("as it is", together(), ()),
    Case("the file itself", together(), (), location="model.toml"),
    Case("clip form", clip_form(), ()),
    Case(
        "made on Windows",
        write("model.toml", b"\xef\xbb\xbf" + MANIFEST_TEXT.replace(b"\n", b"\r\n")),
        (),
    ),
    Case(
        "labels made on Windows",
        together(FROM_FILE, write("labels.txt", b"\xef\xbb\xbfred\r\ngreen\r\nblue\r\n\r\n")),
        (),
    ),
    Case("whole rate", replace("model.toml", "fps = 10.0", "fps = 10"), ()),
    Case("through a link", linked, ()),
    Case("no region", together(BOXES_ONLY, unlike("boxes", NO_REGION, [1, None, 4, 4])), ()),
]


@pytest.mark.parametrize("sound", SOUND, ids=lambda case: case.name)
def test_sound_model(sound: Case, tmp_path: Path) -> None:
    """What the cases break was whole before, and what only looks odd is taken."""
    _, ran = run_case(sound, tmp_path)
    assert ran.done.status == 0 and not ran.done.errors(), ran.done.output
    assert ran.passed == FRAMES_BYTES
    assert_no_leak(ran)


@pytest.mark.parametrize("name", ["no number", "shrinking scores", "tokens that shrink"])
def test_bad_run_in_hold(name: str, tmp_path: Path) -> None:
    """Without delay, frames before the first result may pass; the error is the same one."""
    case = next(case for case in CASES if case.name == name)
    model = Path(shutil.copytree(COLOURS, tmp_path / "model"))
    case.change(model)
    ran = run_model(tmp_path, model, "alignment=hold")
    assert ran.done.status > 0, ran.done.output
    assert_says(only_error(ran.done), (str(model), *case.words))
    assert_no_leak(ran)
