import numpy as np
import pytest

from distmat.figures.curves import Line, metric_figure, smooth


def test_smoothing_is_the_weighted_mean_of_all_values_so_far():
    values = np.random.default_rng(0).normal(size=50)
    weight = 0.8
    expected = []
    for last in range(len(values)):
        weights = weight ** np.arange(last, -1, -1)
        expected.append(np.average(values[: last + 1], weights=weights))
    np.testing.assert_allclose(smooth(values, weight), expected)


def test_smoothing_bridges_what_is_not_finite():
    values = np.array([np.nan, 2.0, np.inf, 2.0, np.nan])
    np.testing.assert_allclose(smooth(values, 0.5), [np.nan, 2.0, 2.0, 2.0, 2.0])


def test_the_baseline_is_dashed_and_never_smoothed():
    x = np.arange(5)
    lines = [Line("run", x, x * 1.0), Line("separation only", x, np.ones(5), baseline=True)]
    figure = metric_figure(lines, "step", "MAE (Å)", smoothing=0.5)
    dashes = [trace.line.dash for trace in figure.data]
    assert dashes == ["solid", "solid", "dash"]
    np.testing.assert_array_equal(figure.data[-1].y, np.ones(5))


@pytest.mark.parametrize("logarithmic", [False, True])
def test_axes_are_as_asked(logarithmic):
    line = Line("a", np.arange(3), np.ones(3))
    figure = metric_figure([line], "step", "loss", logarithmic=logarithmic)
    assert figure.layout.yaxis.type == ("log" if logarithmic else "linear")


def test_runs_have_colours_of_their_own():
    lines = [Line(str(n), np.arange(3), np.ones(3), number=n) for n in range(4)]
    assert len({trace.line.color for trace in metric_figure(lines, "step", "loss").data}) == 4


def test_a_single_point_shows():
    figure = metric_figure([Line("a", np.array([1]), np.array([2.0]))], "step", "loss")
    assert "markers" in figure.data[0].mode
