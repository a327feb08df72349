import numpy as np

from distmat.figures.angles import angle_plot
from distmat.geometry.handedness import trace_angles


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


def test_known_chains_are_darkest_where_right_handed_helices_are_and_clear_where_none_turns():
    known = angle_plot("ACDE", trace_angles(helix(4))).data[0]
    tau, theta, shade = np.asarray(known.x), np.asarray(known.y), np.asarray(known.z)

    def at(some_tau, some_theta):
        return shade[np.abs(theta - some_theta).argmin(), np.abs(tau - some_tau).argmin()]

    assert at(50, 91) == shade.max() == 1
    assert at(-170, 120) > 0.3
    assert at(0, 165) < 0.05
