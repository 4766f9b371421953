"""Tracklets against the renderer's boxes, on pictures small enough to count by hand."""

import numpy as np
import pytest

from artmodels.evaluate import WATCHED, tallies, tracklet_table, usual_parts
from artmodels.tracklet_quality import (
    cell_share,
    off_centre,
    overlap,
    peak_on,
    random_cells,
    tally,
)

LEFT, RIGHT = [0.0, 0.0, 0.5, 0.5], [0.5, 0.0, 1.0, 0.5]
HIDDEN = [np.nan] * 4


def test_share_of_cells_in_a_box() -> None:
    got = cell_share(np.array([[0.125, 0, 0.25, 1]]), 4, 4)[0]
    assert got[0].tolist() == [0.5, 0, 0, 0] and got[3, 0] == 0.5


def test_peak_is_the_middle_of_the_strongest_cell() -> None:
    attention = np.zeros((2, 1, 4, 4))
    attention[0, 0, 1, 1], attention[0, 0, 3, 3] = 0.75, 0.25
    attention[1, 0, 3, 3] = 1.0
    assert peak_on(attention, np.array([[0.25, 0.25, 0.5, 0.5]])).tolist() == [[True], [False]]


def test_overlap_of_boxes() -> None:
    got = overlap(np.array([[0.5, 0.5, 0.5, 0.5]] * 2), np.array([[0.25, 0.25, 0.5, 0.75], HIDDEN]))
    assert got[0] == pytest.approx(0.5) and np.isnan(got[1])


def test_off_centre_is_where_the_middle_is_not_on_the_body() -> None:
    body = np.array([[0.4, 0.4, 0.6, 0.6], [0.6, 0.4, 0.9, 0.6], HIDDEN], np.float32)
    assert off_centre(body).tolist() == [False, True, False]


def made_clip() -> tuple[np.ndarray, ...]:
    """Four frames, two tracklets of 2x2 cells, two parts side by side; the last frame is left out.

    The first tracklet stays on the left part; the second is on the right one, then on the left one
    twice, of which the right part is hidden once.
    """
    cells = {"left": 0, "right": 1}
    ways = [["left"] * 4, ["right", "left", "left", "right"]]
    attention = np.zeros((2, 4, 4))
    boxes = np.zeros((2, 4, 4))
    for k, way in enumerate(ways):
        for t, side in enumerate(way):
            attention[k, t, cells[side]] = 1
            boxes[k, t] = [0.25 + 0.5 * cells[side], 0.25, 0.5, 0.5]
    body = np.array([LEFT, [0, 0, 1, 0.5], LEFT, LEFT])
    parts = np.array([[LEFT, RIGHT], [LEFT, RIGHT], [LEFT, HIDDEN], [LEFT, RIGHT]])
    return attention.reshape(2, 4, 2, 2), boxes, body, parts, np.array([True, True, True, False])


def test_tally_of_a_clip() -> None:
    one = tally(*made_clip())
    assert one.frames == 3
    assert one.peak.tolist() == [3, 2] and one.mass.tolist() == pytest.approx([3, 2])
    assert one.body.tolist() == pytest.approx([1 + 0.5 + 1, 0 + 0.5 + 1])
    assert one.same.tolist() == [3, 2] and one.seen.tolist() == [3, 3]
    assert one.part.tolist() == pytest.approx([3, 2])
    assert one.chosen.tolist() == [[1, 0], [1, 0]]


def test_tallies_add_up_to_shares() -> None:
    attention, boxes, body, parts, mask = made_clip()
    none = tally(attention, boxes, body, parts, np.zeros(4, bool))
    assert none.frames == 0 and none.chosen.sum() == 0
    both = tally(attention, boxes, body, parts, mask) + none
    assert both.shares()["same"].tolist() == pytest.approx([1, 2 / 3])
    assert both.shares()["part"].tolist() == pytest.approx([1, 2 / 3])


def test_a_hidden_part_holds_no_centre() -> None:
    attention, boxes, body, parts, mask = made_clip()
    parts[:, 0] = np.nan
    one = tally(attention, boxes, body, parts, mask)
    assert one.same.tolist() == [0, 1] and one.part.tolist() == pytest.approx([0, 1])


def test_random_cells_are_one_cell_a_frame() -> None:
    got = random_cells((2, 30, 4, 5), np.random.default_rng(0))
    assert got.shape == (2, 30, 4, 5) and (got.sum((-2, -1)) == 1).all()
    assert len(np.unique(got.reshape(60, -1).argmax(-1))) > 10


def test_the_report_sets_every_look_beside_the_others() -> None:
    attention, boxes, body, parts, action = made_clip()
    body[:2], body[2] = [0.0, 0.0, 1.0, 1.0], [0.6, 0.0, 1.0, 0.4]
    parts = np.repeat(parts, 7, axis=1)  # as many parts as a body has
    looks = dict.fromkeys(WATCHED, (attention, boxes))
    found = tallies(looks, body, parts, action)
    assert found["all", "trained"].frames == 3 and found["off-centre", "trained"].frames == 1
    lines = tracklet_table(found)
    assert lines[2] == "| **all frames: 3** | | | |"
    assert "| query 1: box centre on one and the same part | 100.0 | 100.0 | 100.0 |" in lines
    assert "| query 2: IoU of its box with that part's | 0.67 | 0.67 | 0.67 |" in lines
    assert lines[13] == "| **off-centre frames: 1** | | | |"
    assert usual_parts(found["all", "trained"], most=1) == "query 1: head 100; query 2: head 100"
