import json
import re

import numpy as np
import pytest

from distmat.figures import trace3d
from distmat.figures.trace3d import script_json, trace_page
from distmat.geometry.superposition import superpose
from distmat.scoring.trace_scores import per_residue_error

SEQUENCE = "ACDEFGHIKLMNPQRSTVWY"


def chain(seed=0):
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(len(SEQUENCE), 3))
    return np.cumsum(3.8 * steps / np.linalg.norm(steps, axis=1, keepdims=True), axis=0)


@pytest.fixture
def stages():
    return {name: chain(seed) for seed, name in enumerate(trace3d.STAGE_WORDS)}


def scene_of(page):
    return json.loads(re.search(r"const scene = (\{.*\});</script>", page).group(1))


def coords_of(pdb):
    return np.array(
        [
            [float(line[at : at + 8]) for at in (30, 38, 46)]
            for line in pdb.splitlines()
            if line.startswith("ATOM")
        ]
    )


def test_every_stage_is_laid_on_the_truth_with_its_error_as_temperature_factor(stages):
    truth = chain(9)
    scene = scene_of(trace_page(SEQUENCE, stages, truth, script=""))
    assert [stage["label"] for stage in scene["stages"]] == ["MDS", "refined", "chain", "hand"]
    for stage, coords in zip(scene["stages"], stages.values(), strict=True):
        laid = superpose(coords, truth).coords
        np.testing.assert_allclose(coords_of(stage["own"]["pdb"]), laid, atol=1e-3)
        lines = [line for line in stage["own"]["pdb"].splitlines() if line.startswith("ATOM")]
        errors = [float(line[60:66]) for line in lines]
        np.testing.assert_allclose(errors, per_residue_error(laid, truth), atol=0.01)


def test_the_mirror_image_has_the_same_distances_and_the_other_hand(stages):
    stage = scene_of(trace_page(SEQUENCE, stages, script=""))["stages"][-1]
    own, image = coords_of(stage["own"]["pdb"]), coords_of(stage["mirror"]["pdb"])
    assert superpose(own, image).rmsd > 0.5
    assert superpose(own, image, allow_mirror=True).rmsd < 1e-3


def test_residues_that_were_not_observed_are_left_out_of_the_truth(stages):
    truth = chain(9)
    truth[3:6] = np.nan
    scene = scene_of(trace_page(SEQUENCE, stages, truth, script=""))
    assert len(coords_of(scene["truth"])) == len(SEQUENCE) - 3
    assert len(coords_of(scene["stages"][0]["own"]["pdb"])) == len(SEQUENCE)


def test_the_same_trace_gives_the_same_page_so_that_it_is_not_loaded_again(stages):
    assert trace_page(SEQUENCE, stages) == trace_page(SEQUENCE, stages)


def test_an_installed_viewer_is_part_of_the_page_and_nothing_is_fetched(
    tmp_path, stages, monkeypatch
):
    (tmp_path / trace3d.SCRIPT_NAME).write_text("window.$3Dmol = {};")
    monkeypatch.setattr(trace3d, "SCRIPT_FOLDERS", (tmp_path,))
    page = trace_page(SEQUENCE, stages)
    assert "window.$3Dmol = {};" in page
    assert "runViewer()" in page
    assert "fetchViewer(" not in page.replace("function fetchViewer(", "")


def test_without_an_installed_viewer_it_comes_from_the_address_that_py3dmol_names(
    tmp_path, stages, monkeypatch
):
    monkeypatch.setattr(trace3d, "SCRIPT_FOLDERS", (tmp_path,))
    page = trace_page(SEQUENCE, stages)
    assert re.search(r'fetchViewer\("https://[^"]+/3Dmol-min\.js"\)', page)


def test_nothing_in_the_data_can_end_the_script():
    hostile = {"title": "</script><script>alert(1)</script><!--"}
    text = script_json(hostile)
    assert "<" not in text
    assert json.loads(text) == hostile


def test_a_thousand_residues_make_a_page_of_a_few_megabytes():
    n = 1000
    coords = np.cumsum(np.random.default_rng(0).normal(0, 2.2, (n, 3)), axis=0)
    page = trace_page("A" * n, dict.fromkeys(trace3d.STAGE_WORDS, coords), coords, script="")
    assert len(page) < 3e6
