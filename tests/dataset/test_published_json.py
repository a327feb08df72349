"""The published pipeline's files, written here as it writes them."""

import json

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from distmat.dataset.published_json import read_samples
from distmat.errors import DatasetError
from distmat.geometry.superposition import superpose


def raw(chain, code="1abc"):
    return {
        "pdb_code": code,
        "sequence": chain.sequence,
        "coords": chain.ca.tolist(),
        "seq_len": len(chain),
        "binding_data": "Kd=1nM",
        "resolution": "2.10",
        "year": "2001",
    }


def write(path, content, **options):
    path.write_text(json.dumps(content, **options), encoding="utf-8")
    return path


def normalised(distances, method):
    """As the pipeline does it, with its own small number against division by zero."""
    if method == "scale":
        return distances / (distances.max() + 1e-8), {"max_dist": distances.max()}
    if method == "log_scale":
        logarithm = np.log1p(distances)
        return logarithm / (logarithm.max() + 1e-8), {"max_log_dist": logarithm.max()}
    upper = distances[np.triu_indices_from(distances, 1)]
    matrix = (distances - upper.mean()) / (upper.std() + 1e-8)
    np.fill_diagonal(matrix, 0)
    return matrix, {"mean": upper.mean(), "std": upper.std()}


@pytest.fixture(scope="module")
def whole(proteins):
    """Chains that were observed whole, as the pipeline's are."""
    return [chain for chain in proteins if chain.observed.all()][:3]


def test_raw_coordinates_come_as_they_are(tmp_path, whole):
    path = write(tmp_path / "a.json", [raw(chain, f"c{k}") for k, chain in enumerate(whole)])
    samples = list(read_samples(path))
    assert [s.name for s in samples] == ["c0", "c1", "c2"]
    for sample, chain in zip(samples, whole, strict=True):
        assert sample.chain.sequence == chain.sequence and sample.resolution == 2.1
        np.testing.assert_allclose(sample.chain.ca, chain.ca)


def test_scaled_coordinates_are_scaled_back(tmp_path, whole):
    content = raw(whole[0])
    centre = whole[0].ca.mean(axis=0)
    scale = (whole[0].ca - centre).std()
    content["coords"] = ((whole[0].ca - centre) / (scale + 1e-8)).tolist()
    content["norm_stats"] = {"mean": centre.tolist(), "std": float(scale)}
    (sample,) = read_samples(write(tmp_path / "a.json", [content], indent=2))
    np.testing.assert_allclose(sample.chain.ca, whole[0].ca, atol=1e-4)


@pytest.mark.parametrize("method", ["scale", "log_scale", "zscore"])
def test_a_normalised_map_becomes_the_chain_in_its_own_hand(tmp_path, whole, method):
    samples = []
    for chain in whole:
        content = raw(chain)
        del content["coords"]
        matrix, stats = normalised(squareform(pdist(chain.ca)), method)
        content["distance_matrix"] = matrix.tolist()
        content["dist_norm_stats"] = {"method": method, **{k: float(v) for k, v in stats.items()}}
        samples.append(content)
    path = write(tmp_path / "a.json", {"global_stats": {"x": [1]}, "samples": samples})
    for sample, chain in zip(read_samples(path), whole, strict=True):
        np.testing.assert_allclose(sample.chain.distances, chain.distances, atol=1e-3)
        # A proper rotation lays it on the structure: it isn't the mirror image.
        assert superpose(sample.chain.ca, chain.ca).rmsd < 0.01


def test_each_sample_that_can_not_be_used_says_why_and_the_others_stay(tmp_path, whole):
    good, chain = raw(whole[0]), whole[0]
    scaled = raw(chain)
    scaled["coords"] = (chain.ca / 20).tolist()
    faults = [
        ({**good, "sequence": "MKJ"}, "residue 3 is 'J'"),
        ({**good, "coords": good["coords"][:-1]}, "but coordinates of shape"),
        ({**good, "coords": [["a", "b", "c"]]}, "can't be used"),
        (scaled, "no coordinates in Å"),
        ({"sequence": good["sequence"]}, "neither 'coords' nor 'distance_matrix'"),
        ({**good, "coords": None, "distance_matrix": [[0]]}, "nothing says how"),
        ([1, 2], "no object"),
    ]
    path = write(tmp_path / "a.json", [good, *(content for content, _ in faults), good])
    samples = list(read_samples(path))
    assert samples[0].chain is not None and samples[-1].chain is not None
    for sample, (_, words) in zip(samples[1:-1], faults, strict=True):
        assert sample.chain is None and words in sample.fault


@pytest.mark.parametrize("text", ["", "hello", "{}", '{"samples": []}', "[]"])
def test_what_holds_no_samples_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DatasetError, match=r"a\.json"):
        list(read_samples(tmp_path / "a.json"))


def test_a_file_that_was_cut_off_is_refused_after_what_was_whole(tmp_path, whole):
    text = json.dumps([raw(whole[0]), raw(whole[1])])
    (tmp_path / "a.json").write_text(text[:-500])
    samples = read_samples(tmp_path / "a.json")
    assert next(samples).chain is not None
    with pytest.raises(DatasetError, match="damaged after sample 1"):
        list(samples)
