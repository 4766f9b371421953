"""The bad models: each breaks one thing in a copy of the sound model in tests/fixtures/colours.

Its windows are 4 samples of 8 x 8 pixels, its scores the means of red, green and blue.
"""

from . import files, graphs, labels, manifests, run_time
from .case import Case

CASES: list[Case] = [
    *files.CASES,
    *manifests.CASES,
    *labels.CASES,
    *graphs.CASES,
    *run_time.CASES,
]
