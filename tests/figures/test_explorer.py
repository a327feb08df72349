import re

import numpy as np
import pytest

from distmat.figures import explorer
from distmat.figures.explorer import STAGE_WORDS, Scene, pack_scene, standalone_page
from distmat.geometry.superposition import superpose
from distmat.protein.distance_map import pairwise_distances
from tests.figures.explorer_bytes import read_scene

SEQUENCE = "ACDEFGHIKLMNPQRSTVWY"
N = len(SEQUENCE)


def chain(seed=0):
    steps = np.random.default_rng(seed).normal(size=(N, 3))
    return np.cumsum(3.8 * steps / np.linalg.norm(steps, axis=1, keepdims=True), axis=0)


@pytest.fixture
def stages():
    return {name: chain(seed) for seed, name in enumerate(STAGE_WORDS)}


def upper(table):
    return table[np.triu_indices(len(table), 1)]


def test_maps_arrive_within_half_a_hundredth_of_an_angstrom(stages):
    predicted, std = pairwise_distances(chain(1)), np.full((N, N), 2.345)
    truth = chain(9)
    truth[3:6] = np.nan
    scene = Scene("k", SEQUENCE, predicted, std, truth=truth, stages=stages)
    header, maps, traces = read_scene(pack_scene(scene))
    np.testing.assert_allclose(upper(maps["predicted"]), upper(predicted), atol=0.00501)
    np.testing.assert_allclose(upper(maps["std"]), 2.345, atol=0.00501)
    np.testing.assert_allclose(
        upper(maps["true"]), upper(pairwise_distances(truth)), atol=0.00501, equal_nan=True
    )
    np.testing.assert_allclose(traces["truth"], truth, atol=1e-4, equal_nan=True)
    assert header["observed"] == "11100011111111111111"
    assert header["gaps"]


@pytest.mark.parametrize(("largest", "unit"), [(0.5, 0.01), (655.34, 0.01), (6000.0, 6000 / 65534)])
def test_a_map_that_is_too_large_for_its_words_gets_coarser_and_is_never_cut(largest, unit):
    table = np.array([[0, largest, 1.0], [largest, 0, 2.0], [1.0, 2.0, 0]])
    header, maps, _ = read_scene(pack_scene(Scene("k", "ACD", table)))
    assert header["maps"]["predicted"]["unit"] == pytest.approx(unit)
    assert maps["predicted"][0, 1] == pytest.approx(largest, abs=unit / 2)


def test_probabilities_keep_four_digits():
    table = np.array([[1, 0.1234], [0.1234, 1]])
    _, maps, _ = read_scene(pack_scene(Scene("k", "AC", probability=table)))
    assert maps["probability"][0, 1] == pytest.approx(0.1234, abs=1e-6)


def test_every_stage_and_its_mirror_image_is_laid_on_the_truth(stages):
    truth = chain(9)
    header, _, traces = read_scene(pack_scene(Scene("k", SEQUENCE, truth=truth, stages=stages)))
    assert [stage["label"] for stage in header["stages"]] == ["MDS", "refined", "chain", "hand"]
    for stage, coords in zip(header["stages"], stages.values(), strict=True):
        laid = superpose(coords, truth)
        np.testing.assert_allclose(traces[stage["own"]["trace"]], laid.coords, atol=1e-4)
        assert f"RMSD {laid.rmsd:.1f} Å" in stage["own"]["caption"]
        image = traces[stage["mirror"]["trace"]]
        assert superpose(image, coords).rmsd > 0.5
        assert superpose(image, coords, allow_mirror=True).rmsd < 1e-3


def test_the_rulers_tell_helices_of_the_truth_and_where_templates_lie(stages):
    turn = np.radians(100) * np.arange(N)
    helix = np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * np.arange(N)], axis=1)
    template = np.full((N, N), np.nan)
    template[4:9, 4:9] = 5.0
    scene = Scene("k", SEQUENCE, truth=helix, stages=stages, template=template)
    header, _, _ = read_scene(pack_scene(scene))
    assert header["structure"].count("a") > N / 2
    assert header["covered"] == "00001111100000000000"


def test_the_same_scene_gives_the_same_bytes(stages):
    scene = Scene("k", SEQUENCE, truth=chain(3), stages=stages)
    assert pack_scene(scene) == pack_scene(scene)


def test_a_thousand_residues_with_all_layers_take_less_than_nine_megabytes():
    n = 1000
    table = np.full((n, n), 20.0)
    scene = Scene("k", "A" * n, table, table, true=table, template=table)
    assert len(pack_scene(scene)) < 9e6


def test_words_of_a_file_can_end_no_script_and_begin_no_element():
    scene = Scene("</script><b>", "AC", np.ones((2, 2)), numbers=("<i>", "2"), file="</title><b>x")
    page = standalone_page(scene, viewer="x = '</script>';")
    assert "<b>" not in page
    assert "<i>" not in page
    assert page.count("</script>") == 3
    assert "<\\/script>" in page


def test_without_an_installed_viewer_it_comes_from_the_address_that_py3dmol_names(monkeypatch):
    monkeypatch.setattr(explorer, "SCRIPT_FOLDERS", ())
    assert explorer.installed_script() is None
    assert re.fullmatch(r"https://[^\"]+/3Dmol-min\.js", explorer.distant_script())


def test_the_scripts_write_no_html_of_their_own_making():
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write", explorer.explorer_script()
    )
