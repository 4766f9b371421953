"""Which pipelines that do not end are gst-launch's fault, and which fail their test."""

import os
from pathlib import Path
from subprocess import TimeoutExpired

import pytest

from .launch import launch, run

FAILING = "videotestsrc ! identity error-after=1 ! fakesink"

# GLib's main loop begins only when the element has failed.
LATE_LOOP = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
void g_main_loop_run(void *loop) {
    sleep(1);
    ((void (*)(void *))dlsym(RTLD_NEXT, "g_main_loop_run"))(loop);
}
"""

# And a pipeline never gets to the state NULL.
NO_STOP = """
int gst_element_set_state(void *element, int state) {
    if (state == 1) pause();
    return ((int (*)(void *, int))dlsym(RTLD_NEXT, "gst_element_set_state"))(element, state);
}
"""


def preloaded(source: str, folder: Path) -> dict[str, str]:
    """The environment in which functions of C stand before those of libraries."""
    written, built = folder / "before.c", folder / "before.so"
    written.write_text(source, encoding="utf-8")
    compiled = run("cc", "-shared", "-fPIC", "-o", built, written, "-ldl")
    assert compiled.status == 0, compiled.output
    return {**os.environ, "LD_PRELOAD": str(built)}


def test_a_missed_error_ends_the_launch(tmp_path: Path) -> None:
    """An error before the main loop is told like any other."""
    done = launch(FAILING, preloaded(LATE_LOOP, tmp_path), timeout=3)
    assert done.status == 1, done.output
    assert "/GstIdentity:" in done.errors()[0]
    assert "handling interrupt" in done.output
    assert "Freeing pipeline" in done.output


@pytest.mark.parametrize(
    "pipeline, source",
    [
        ("videotestsrc is-live=true ! fakesink", ""),
        (FAILING, LATE_LOOP + NO_STOP),
        ("videotestsrc num-buffers=9 ! fakesink", LATE_LOOP + NO_STOP),
    ],
    ids=["endless", "never stops after an error", "never stops"],
)
def test_a_pipeline_without_an_end_fails(pipeline: str, source: str, tmp_path: Path) -> None:
    """Nothing but the missed error is forgiven."""
    with pytest.raises(TimeoutExpired):
        launch(pipeline, preloaded(source, tmp_path), timeout=3)
