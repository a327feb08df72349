import json

import numpy as np
import pytest

from distmat.figures import maps
from distmat.protein.chain import Chain
from distmat.protein.distance_map import separation

N = 30


@pytest.fixture
def chain():
    ca = np.cumsum(np.random.default_rng(0).normal(0, 2.2, (N, 3)), axis=0)
    ca[[4, 5, 20]] = np.nan
    return Chain("a", "ACDEFGHIKLMNPQRSTVWY" + "ACDEFGHIKL", ca)


@pytest.fixture
def predicted():
    return separation(N) ** 0.6 * 3.8


def panels(figure):
    return [trace for trace in figure.data if trace.type == "heatmap"]


def drawn(figure):
    """The figure as the browser gets it."""
    return json.loads(figure.to_json())


def test_predicted_and_true_share_one_colour_scale_that_begins_at_zero(chain, predicted):
    figure = maps.side_by_side(chain.sequence, predicted, predicted / 4, chain.distances)
    ours, true, error = panels(figure)
    assert ours.coloraxis == true.coloraxis != error.coloraxis
    largest = max(predicted.max(), np.nanmax(chain.distances))
    assert figure.layout.coloraxis.cmin == 0
    assert largest <= figure.layout.coloraxis.cmax < largest + 1


def test_the_error_is_signed_and_its_colours_are_symmetric_about_zero(chain, predicted):
    figure = maps.side_by_side(chain.sequence, predicted, predicted / 4, chain.distances)
    error = panels(figure)[2]
    np.testing.assert_allclose(error.z, predicted - chain.distances, atol=0.051)
    assert figure.layout.coloraxis2.cmin == -figure.layout.coloraxis2.cmax < 0


def test_what_was_not_observed_is_missing_and_not_zero(chain, predicted):
    figure = maps.side_by_side(chain.sequence, predicted, predicted / 4, chain.distances)
    for panel in panels(figure)[1:]:
        assert np.isnan(panel.z[4]).all()
        assert np.isfinite(panel.z[6, 7])
    assert figure.layout.plot_bgcolor == maps.NOT_OBSERVED


@pytest.mark.parametrize("view", ["side", "triangles", "predicted", "true", "deviation"])
def test_a_map_is_square_and_begins_at_the_top_left(view, chain, predicted):
    figure = {
        "side": lambda: maps.side_by_side(chain.sequence, predicted, predicted, chain.distances),
        "triangles": lambda: maps.above_and_below(chain.sequence, predicted, chain.distances),
        "predicted": lambda: maps.predicted_map(chain.sequence, predicted, predicted),
        "true": lambda: maps.true_map(chain.sequence, chain.distances),
        "deviation": lambda: maps.deviation_map(chain.sequence, predicted),
    }[view]()
    assert figure.layout.yaxis.scaleanchor == "x"
    assert figure.layout.yaxis.range == (N - 0.5, -0.5)
    assert figure.layout.xaxis.range == (-0.5, N - 0.5)
    assert figure.layout.xaxis.title.text == figure.layout.yaxis.title.text == "residue"


def test_the_three_maps_zoom_as_one(chain, predicted):
    layout = maps.side_by_side(chain.sequence, predicted, predicted, chain.distances).layout
    assert layout.xaxis2.matches == layout.xaxis3.matches == "x"
    assert layout.yaxis2.matches == layout.yaxis3.matches == "y"


def test_pointing_at_a_pair_tells_residues_distance_and_deviation(chain, predicted):
    figure = maps.side_by_side(chain.sequence, predicted, predicted / 4, chain.distances)
    ours = drawn(figure)["data"][0]
    assert ours["x"][:3] == ["A1", "C2", "D3"]
    assert {"%{x}", "%{y}"} <= set(ours["hovertemplate"].replace("<", " ").split())
    assert "%{z:.1f} ± %{text:.1f} Å" in ours["hovertemplate"]
    # Plotly.js finds hover text in nested lists only, not in its packed arrays.
    assert ours["text"][0][9] == pytest.approx(predicted[0, 9] / 4, abs=0.051)


def test_predicted_is_above_the_diagonal_and_true_below(chain, predicted):
    (panel,) = panels(maps.above_and_below(chain.sequence, predicted, chain.distances))
    assert panel.z[2, 25] == pytest.approx(predicted[2, 25], abs=0.051)
    assert panel.z[25, 2] == pytest.approx(chain.distances[25, 2], abs=0.051)


def test_a_structure_without_an_observed_pair_can_be_drawn(predicted):
    nothing = np.full((N, N), np.nan)
    maps.side_by_side("A" * N, predicted, predicted, nothing)
    maps.error_by_separation(predicted, predicted, nothing)


def test_two_residues_can_be_drawn():
    two = np.array([[0.0, 3.8], [3.8, 0.0]])
    maps.side_by_side("AC", two, two, two)
    maps.error_by_separation(two, two, two)


def test_the_mean_error_by_separation_is_that_of_each_diagonal(chain, predicted):
    apart, mean = maps.mean_error_by_separation(predicted, chain.distances)
    error = np.abs(predicted - chain.distances)
    expected = [np.nanmean(np.diagonal(error, k)) for k in range(1, N)]
    assert apart.tolist() == list(range(1, N))
    np.testing.assert_allclose(mean, expected)


def test_a_thousand_residues_stay_within_what_a_browser_takes():
    n = 1000
    distances = separation(n) ** 0.6
    figure = maps.side_by_side("A" * n, distances, distances / 5, distances * 1.1)
    assert len(figure.to_json()) < 25e6


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_figure_is_saved_in_the_format_that_was_asked_for(kind):
    options = maps.image_options("il2-map", kind)["toImageButtonOptions"]
    assert (options["format"], options["filename"]) == (kind, "il2-map")


def test_no_colour_is_one_that_streamlit_takes_for_a_placeholder_of_its_own(chain, predicted):
    figures = [
        maps.side_by_side(chain.sequence, predicted, predicted, chain.distances),
        maps.deviation_map(chain.sequence, predicted),
        maps.error_by_separation(predicted, predicted, chain.distances),
    ]
    for figure in figures:
        figure.layout.template = None
        assert '"#0000' not in figure.to_json()
