"""The public names of the package."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import distmat
from distmat.protein.examples import examples
from distmat.scoring.baseline import reference_baseline


def test_every_public_name_is_there_and_documented():
    for name in distmat.__all__:
        assert getattr(distmat, name).__doc__, name
    with pytest.raises(AttributeError, match="nothing"):
        _ = distmat.nothing


def test_the_package_imports_without_the_heavy_libraries():
    code = (
        "import sys, distmat; print([m for m in ('torch', 'numpy', 'biotite') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_the_lines_of_the_package_s_own_documentation_work():
    chain = distmat.read_structure(examples()[0].path)[0]
    predicted = distmat.load("mini").predict(chain.sequence)
    n = len(chain.sequence)
    assert predicted.distances.shape == predicted.std.shape == (n, n)
    backbone = distmat.reconstruct(predicted.distances, predicted.std)
    assert backbone.coords.shape == (n, 3) and backbone.hand_confidence >= 0
    scores = distmat.score(predicted.distances, chain.ca)
    assert np.isfinite([scores.mae, scores.rmse, scores.lddt]).all()


def test_the_whole_path_scores_model_baseline_and_trace_and_reports_progress():
    chain = next(example for example in examples() if example.key == "cdc13").read()
    assert not chain.observed.all()
    shares = []
    result = distmat.predict_chain(
        distmat.load("mini"), chain.sequence, "cdc13", chain, lambda share, _: shares.append(share)
    )
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert result.backbone.coords.shape == (len(chain), 3)
    assert np.isfinite(result.backbone.coords).all()
    assert result.comparison.trace.residues == chain.observed.sum()
    scores = result.as_dict()["scores"]
    assert scores["map"]["baseline"]["pairs"] > 0
    # Every score of the trace has its baseline: the trace of a map that knows the separation alone.
    table = reference_baseline().predict(len(chain))
    trace = distmat.reconstruct(table, unit="Å", zeros_are_missing=False).coords
    ours, true = (c[chain.observed] - c[chain.observed].mean(axis=0) for c in (trace, chain.ca))
    _, off = Rotation.align_vectors(ours, true)
    rmsd = off / np.sqrt(chain.observed.sum())
    assert scores["baseline_trace"]["rmsd"] == pytest.approx(rmsd, abs=0.01)
    assert scores["baseline_trace"].keys() == scores["trace"].keys()
