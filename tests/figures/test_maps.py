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


def test_a_map_is_square_begins_at_the_top_left_and_leaves_out_what_was_not_observed(chain):
    figure = maps.single_map(chain.sequence, chain.distances)
    assert figure.layout.yaxis.scaleanchor == "x"
    assert figure.layout.yaxis.range == (N - 0.5, -0.5)
    assert figure.layout.xaxis.range == (-0.5, N - 0.5)
    (panel,) = figure.data
    assert np.isnan(panel.z[4]).all()
    assert panel.z[6, 7] == pytest.approx(chain.distances[6, 7], abs=0.051)
    assert figure.layout.plot_bgcolor == maps.NOT_OBSERVED
    assert figure.layout.coloraxis.cmin == 0
    assert figure.layout.coloraxis.cmax >= np.nanmax(chain.distances)


def test_a_structure_without_an_observed_pair_can_be_drawn(predicted):
    nothing = np.full((N, N), np.nan)
    maps.single_map("A" * N, nothing)
    maps.error_by_separation(predicted, predicted, nothing)


def test_two_residues_can_be_drawn():
    two = np.array([[0.0, 3.8], [3.8, 0.0]])
    maps.single_map("AC", two)
    maps.error_by_separation(two, two, two)


def test_the_mean_error_by_separation_is_that_of_each_diagonal(chain, predicted):
    apart, mean = maps.mean_error_by_separation(predicted, chain.distances)
    error = np.abs(predicted - chain.distances)
    expected = [np.nanmean(np.diagonal(error, k)) for k in range(1, N)]
    assert apart.tolist() == list(range(1, N))
    np.testing.assert_allclose(mean, expected)


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_figure_is_saved_in_the_format_that_was_asked_for(kind):
    options = maps.image_options("il2-map", kind)["toImageButtonOptions"]
    assert (options["format"], options["filename"]) == (kind, "il2-map")


def test_no_colour_is_one_that_streamlit_takes_for_a_placeholder_of_its_own(chain, predicted):
    figures = [
        maps.single_map(chain.sequence, chain.distances),
        maps.error_by_separation(predicted, predicted, chain.distances),
    ]
    for figure in figures:
        figure.layout.template = None
        assert '"#0000' not in figure.to_json()
