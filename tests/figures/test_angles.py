import numpy as np

from distmat.figures.angles import angle_plot, known_turns, turn_counts
from distmat.geometry.handedness import hand_log_odds, trace_angles


def helix(n):
    turn = np.radians(100) * np.arange(n)
    return np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * np.arange(n)], axis=1)


def test_every_turn_of_the_trace_is_a_point_with_its_residue():
    angles = trace_angles(helix(12))
    figure = angle_plot("ACDEFGHIKLMN", angles)
    (points,) = [trace for trace in figure.data if trace.type == "scatter"]
    assert list(points.text) == ["C2", "D3", "E4", "F5", "G6", "H7", "I8", "K9", "L10"]
    # An ideal α helix turns by about 50° and bends by about 90°.
    assert np.allclose(points.x, 50, atol=3)
    assert np.allclose(points.y, 91, atol=3)


def test_known_chains_lie_behind_and_say_nothing_when_pointed_at():
    angles = trace_angles(helix(12))
    figure = angle_plot("ACDEFGHIKLMN", angles, truth=angles)
    assert figure.data[0].type == "heatmap"
    assert figure.data[0].hoverinfo == "skip"
    assert [trace.name for trace in figure.data[1:]] == ["its true structure", "this trace"]


def test_a_chain_too_short_to_turn_has_no_points():
    angles = trace_angles(helix(3))
    figure = angle_plot("ACD", angles)
    assert len(figure.data[1].x) == 0


def test_a_turn_is_counted_in_the_bin_of_its_angles_and_nan_in_none():
    count = turn_counts(np.array([91.0, np.nan, 62.0]), np.array([51.0, 51.0, -180.0]))
    assert count.shape == (24, 72)
    assert count.sum() == 2
    # From 60° up, and from −180° up, in steps of 5°.
    assert count[6, 46] == 1
    assert count[0, 0] == 1


def test_most_known_turns_are_those_of_right_handed_helices():
    row, column = np.unravel_index(known_turns().argmax(), known_turns().shape)
    assert 85 <= 60 + 5 * row <= 95
    assert 45 <= -180 + 5 * column <= 55


def test_known_turns_favour_the_hand_as_much_as_the_table_that_chooses_it():
    by_tau = known_turns().sum(axis=0)
    right, left = (
        by_tau[36:].reshape(18, 2).sum(axis=1),
        by_tau[:36][::-1].reshape(18, 2).sum(axis=1),
    )
    odds = hand_log_odds(np.arange(5.0, 180.0, 10.0))
    np.testing.assert_allclose(np.log(right / left), odds, atol=0.35)
