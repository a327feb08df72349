import os
import subprocess
import sys

import numpy as np
import pytest

from distmat.errors import DistanceMapError
from distmat.geometry.calibration import Calibration
from distmat.geometry.chain_geometry import bonds_right, clashes
from distmat.geometry.handedness import mirror
from distmat.geometry.reconstruction import STAGES, reconstruct, stress
from distmat.geometry.superposition import superpose
from distmat.scoring.stretch import choose_stretch
from distmat.scoring.trace_scores import score_trace
from tests.geometry.ideal_chains import (
    bundle,
    distances_of,
    disturbed,
    hairpin_sheet,
    helix,
    random_walk,
    strand,
)

FOLDS = {"helix": helix(40), "strand": strand(30), "sheet": hairpin_sheet(), "bundle": bundle()}


def hand_is_right(coords, ca):
    return score_trace(coords, ca).tm >= score_trace(mirror(coords), ca).tm


# ------------------------------------------------------------------ exact maps


@pytest.mark.parametrize("name", FOLDS)
def test_an_exact_map_gives_its_own_coordinates(name):
    ca = FOLDS[name]
    built = reconstruct(distances_of(ca))
    assert superpose(built.coords, ca).rmsd < 1e-6
    assert built.hand == "chosen"
    assert built.eigenvalue_share > 0.999999 and built.stress < 1e-9


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7])
def test_the_shortest_exact_maps_come_back(n):
    ca = helix(n)
    built = reconstruct(distances_of(ca))
    np.testing.assert_allclose(distances_of(built.coords), distances_of(ca), atol=1e-6)
    assert (built.hand == "flat") == (n < 4)


@pytest.mark.parametrize("n", [2, 3, 5, 80])
@pytest.mark.parametrize("axes", [1, 2])
def test_collinear_and_planar_maps_come_back_and_have_no_hand(n, axes):
    ca = np.zeros((n, 3))
    ca[:, 0] = 3.4 * np.arange(n)
    ca[::2, 1] = 1.7 * (axes == 2)
    built = reconstruct(distances_of(ca))
    assert built.hand == "flat" and built.hand_confidence == 0.0
    np.testing.assert_allclose(distances_of(built.coords), distances_of(ca), atol=1e-4)


def test_a_single_precision_map_is_as_good_as_its_digits():
    ca = random_walk(120)
    built = reconstruct(distances_of(ca).astype(np.float32))
    assert superpose(built.coords, ca, allow_mirror=True).rmsd < 1e-3


def test_residues_never_observed_are_left_out_and_said():
    ca = bundle()
    ca[[0, 1, 30]] = np.nan
    built = reconstruct(distances_of(ca))
    assert np.isnan(built.coords[[0, 1, 30]]).all()
    assert superpose(built.coords, ca).rmsd < 1e-6
    assert any("3 residues" in step for step in built.steps)


# ------------------------------------------------------------------ noisy maps


@pytest.mark.parametrize("share", [0.1, 0.3])
@pytest.mark.parametrize("name", ["bundle", "sheet"])
def test_a_noisy_map_gives_a_chain_in_the_right_hand(name, share):
    ca = FOLDS[name]
    built = reconstruct(disturbed(distances_of(ca), share, seed=3))
    scores = score_trace(built.coords, ca)
    assert scores.rmsd < 12 * share
    assert scores.bonds_right >= 0.99 and scores.clashes == 0.0
    assert hand_is_right(built.coords, ca)
    assert 0.3 * share < built.stress < 1.2 * share


def test_helices_that_come_out_left_handed_are_turned():
    ca = bundle()
    built = reconstruct(disturbed(distances_of(ca), 0.3, seed=5))
    first = np.arange(15)
    bond = np.diff(built.coords[:18], axis=0)
    triple = np.einsum("wx,wx->w", bond[first], np.cross(bond[first + 1], bond[first + 2]))
    assert (triple > 0).mean() > 0.9


def test_a_wrong_hand_is_never_called_chosen_on_a_chain_without_one():
    verdicts = [
        reconstruct(distances_of(random_walk(50, seed))).hand_confidence for seed in range(6)
    ]
    exact = [reconstruct(distances_of(FOLDS[name])).hand_confidence for name in FOLDS]
    assert np.median(verdicts) < min(exact)


def test_sure_pairs_count_more():
    ca = bundle()
    true, random = distances_of(ca), np.random.default_rng(0)
    wrong = np.triu(random.random(true.shape) < 0.3, 4)
    wrong |= wrong.T
    noise = np.triu(random.normal(size=true.shape), 1)
    std = np.where(wrong, 12.0, 0.5)
    given = np.maximum(true + std * (noise + noise.T), 0.01)
    blind, told = reconstruct(given), reconstruct(given, std=std)
    assert score_trace(told.coords, ca).rmsd < 0.6 * score_trace(blind.coords, ca).rmsd


def test_a_shrunk_map_is_stretched_back():
    ca = bundle()
    true = distances_of(ca)
    mean = np.array([np.diagonal(true, s).mean() for s in range(len(ca))])
    apart = np.abs(np.subtract.outer(np.arange(len(ca)), np.arange(len(ca))))
    predicted = disturbed(mean[apart] + 0.5 * (true - mean[apart]), 0.02)
    calibration = Calibration(mean, np.full(len(ca), 0.25))
    plain, stretched = reconstruct(predicted), reconstruct(predicted, calibration=calibration)
    assert score_trace(stretched.coords, ca).rmsd < 0.5 * score_trace(plain.coords, ca).rmsd
    assert any("stretched" in step for step in stretched.steps)


def test_the_stretch_that_helps_known_chains_is_chosen():
    traces = [bundle(length) for length in (12, 14)]
    true = [distances_of(ca) for ca in traces]
    longest = max(map(len, traces))
    mean = np.array(
        [np.mean([np.diagonal(d, s).mean() for d in true if len(d) > s]) for s in range(longest)]
    )
    maps = []
    for distances in true:
        n = len(distances)
        m = mean[np.abs(np.subtract.outer(np.arange(n), np.arange(n)))]
        maps.append(disturbed(m + 0.5 * (distances - m), 0.02))
    fitted = Calibration(mean, np.full(longest, 0.25))
    chosen = choose_stretch(fitted, maps, traces, powers=(0.0, 0.5))
    np.testing.assert_allclose(chosen.rho, 0.25)
    chosen = choose_stretch(fitted, true, traces, powers=(0.0, 0.5))
    np.testing.assert_allclose(chosen.rho, 1.0)


# ------------------------------------------------------------------ missing pairs


def test_short_distances_alone_give_the_fold():
    ca = bundle()
    true = distances_of(ca)
    for cutoff in (10, 12, 14):
        built = reconstruct(true, mask=true < cutoff)
        # What is left is the ideal chain's own fault: its joints aren't those of a protein.
        assert superpose(built.coords, ca).rmsd < 0.7
    assert any("weren't known" in step for step in built.steps)


def test_unknown_pairs_may_hold_anything():
    ca = bundle()
    true = distances_of(ca)
    mask = true < 12
    junk = np.where(mask, true, np.random.default_rng(0).uniform(0, 50, true.shape))
    np.testing.assert_array_equal(
        reconstruct(junk, mask=mask).coords, reconstruct(np.where(mask, true, np.nan)).coords
    )


def test_parts_without_a_known_pair_between_them_are_each_right():
    ca = bundle()
    mask = np.zeros((len(ca), len(ca)), dtype=bool)
    mask[:25, :25] = mask[25:, 25:] = True
    built = reconstruct(distances_of(ca), mask=mask)
    for part in (slice(0, 25), slice(25, None)):
        assert superpose(built.coords[part], ca[part], allow_mirror=True).rmsd < 1.0
    assert bonds_right(built.coords) >= 0.98 and clashes(built.coords) == 0.0


def test_neighbours_alone_give_a_chain():
    n = 40
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    built = reconstruct(np.where(apart == 1, 3.8, np.nan))
    assert np.isfinite(built.coords).all()
    assert bonds_right(built.coords) == 1.0


# ------------------------------------------------------------------ whatever comes


def sparse_and_huge():
    """Few pairs, of a size that no line through them should be trusted with."""
    random = np.random.default_rng(4)
    distances = distances_of(1000.0 * random.normal(size=(61, 3)))
    known = random.random(distances.shape) < 0.03
    return np.where(known | known.T, disturbed(distances, 0.3), np.nan)


ANSWERED = {
    "sparse and huge": sparse_and_huge(),
    "a violated triangle": np.array([[0, 3.8, 30], [3.8, 0, 3.8], [30, 3.8, 0]]),
    "four contradicting points": np.array(
        [[0, 4, 20, 4], [4, 0, 4, 30], [20, 4, 0, 4], [4, 30, 4, 0]], dtype=float
    ),
    "four points all alike": 3.8 * (1 - np.eye(4)),
    "random numbers": disturbed(np.full((30, 30), 20.0), 0.5),
    "by separation only": 3.8 * np.abs(np.subtract.outer(np.arange(50), np.arange(50))) ** 0.6,
    "two points on each other": np.where(np.eye(12), 0, np.maximum(distances_of(helix(12)), 0))
    * (np.abs(np.subtract.outer(np.arange(12), np.arange(12))) != 5),
    "far too large": 1000.0 * disturbed(distances_of(helix(20)), 0.2),
    "slightly asymmetric": distances_of(bundle())
    + np.triu(np.full((58, 58), 0.3), 1)[: len(bundle()), : len(bundle())],
    "one pair known": np.where(np.eye(9) + np.eye(9, k=4) + np.eye(9, k=-4) > 0, 9.0, np.nan),
    "integers": distances_of(bundle()).round().astype(int),
    "some infinite": np.where(distances_of(bundle()) > 30, np.inf, distances_of(bundle())),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_odd_but_possible_maps_are_answered(name):
    given = ANSWERED[name]
    built = reconstruct(given, unit="Å", zeros_are_missing=False)
    assert built.coords.shape == (len(given), 3)
    assert np.isfinite(built.coords).any()
    assert np.isfinite([built.stress, built.eigenvalue_share, built.hand_confidence]).all()
    assert built.hand in ("chosen", "undecided", "flat")
    assert all(step.endswith(".") for step in built.steps)
    assert list(built.stages) == list(STAGES)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (np.zeros((9, 9)), "zero"),
        (np.zeros((2, 2)), "zero"),
        (np.zeros((90, 90)), "zero"),
        (np.full((9, 9), 12.0), "All distances are 12 Å"),
        (np.full((90, 90), 12.0), "All distances are 12 Å"),
        ((distances_of(bundle()) < 8).astype(float), "not contacts"),
        (disturbed(distances_of(bundle()), 0.1) / 100, "scaled"),
        (np.full((6, 6), np.nan), "None of the 15"),
    ],
    ids=[
        "zeros",
        "two zeros",
        "many zeros",
        "constant",
        "large constant",
        "contacts",
        "scaled",
        "unknown",
    ],
)
def test_maps_that_imply_no_trace_are_refused_in_one_sentence(given, reason):
    with pytest.raises(DistanceMapError, match=reason) as error:
        reconstruct(given)
    assert str(error.value).endswith(".") and "\n" not in str(error.value)


# ------------------------------------------------------------------ the same every time


SCRIPT = """
import sys, numpy as np
from distmat.geometry.reconstruction import reconstruct
with np.load(sys.argv[1]) as given:
    cases = {name: given[name] for name in given.files}
long, std, mask = cases["long"], cases["std"], cases["mask"]
np.savez(
    sys.argv[2],
    short=reconstruct(cases["short"]).coords,
    long=reconstruct(long).coords,
    unsure=reconstruct(long, std=std).coords,
    masked=reconstruct(long, mask=mask).coords,
    exact=reconstruct(cases["true"]).coords,
)
"""


@pytest.fixture(scope="module")
def maps():
    """Short enough for a direct solver of eigenvalues, and long enough for an iterative one."""
    true = distances_of(bundle(length=28))
    unsure = 0.3 * true * np.exp(np.abs(np.subtract.outer(*2 * [np.sin(np.arange(len(true)))])))
    return {
        "short": disturbed(distances_of(bundle()), 0.2),
        "true": true,
        "long": disturbed(true, 0.3),
        "std": unsure,
        "mask": true < 14,
    }


def test_traces_are_the_same_whatever_the_threads_and_the_processor_s_kernels(tmp_path, maps):
    np.savez(tmp_path / "maps.npz", **maps)
    found = []
    for threads, kernels in (("1", "Prescott"), ("2", "Haswell")):
        # Where it knows them, OpenBLAS then takes the code for other processors.
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "OPENBLAS_CORETYPE": kernels,
        }
        out = tmp_path / f"{kernels}.npz"
        arguments = [sys.executable, "-c", SCRIPT, tmp_path / "maps.npz", out]
        subprocess.run(arguments, env=environment, capture_output=True, check=True)
        with np.load(out) as traces:
            found.append({name: traces[name] for name in traces.files})
    long, std, mask = maps["long"], maps["std"], maps["mask"]
    here = {
        "short": reconstruct(maps["short"]),
        "long": reconstruct(long),
        "unsure": reconstruct(long, std=std),
        "masked": reconstruct(long, mask=mask),
        "exact": reconstruct(maps["true"]),
    }
    for name, built in here.items():
        for there in found:
            assert superpose(there[name], built.coords).rmsd < 1e-6, name


@pytest.mark.parametrize("share", [1e-15, -1e-15])
def test_a_last_digit_does_not_matter(maps, share):
    nudged = maps["long"] * (1.0 + share)
    for kinds in ({}, {"std": maps["std"]}, {"mask": maps["mask"]}):
        one, other = reconstruct(nudged, **kinds), reconstruct(maps["long"], **kinds)
        assert superpose(one.coords, other.coords).rmsd < 1e-6


def test_neither_the_kind_of_the_numbers_nor_their_order_in_memory_matters(maps):
    single = maps["long"].astype(np.float32)
    expected = reconstruct(single.astype(np.float64), mask=maps["mask"]).coords
    for given in (single, np.asfortranarray(single), single[::-1][::-1], single.tolist()):
        built = reconstruct(given, mask=np.asfortranarray(maps["mask"]))
        np.testing.assert_array_equal(built.coords, expected)


# ------------------------------------------------------------------ what it tells


def test_stages_lie_on_the_last_one_and_end_with_the_trace():
    ca = bundle()
    built = reconstruct(disturbed(distances_of(ca), 0.2, seed=1))
    assert tuple(built.stages) == STAGES
    np.testing.assert_array_equal(built.stages["hand"], built.coords)
    np.testing.assert_allclose(built.coords.mean(axis=0), 0.0, atol=1e-9)
    for stage in built.stages.values():
        assert np.linalg.norm(stage - built.coords, axis=1).mean() < 12.0
    stresses = [
        stress(built.stages[name], disturbed(distances_of(ca), 0.2, seed=1)) for name in STAGES
    ]
    assert stresses[1] < stresses[0]
    assert bonds_right(built.stages["mds"]) < bonds_right(built.stages["chain"])


def test_the_stages_before_the_hand_was_chosen_are_shown_in_the_hand_they_had():
    ca = bundle()
    for seed in range(12):
        built = reconstruct(disturbed(distances_of(ca), 0.2, seed=seed))
        flipped = "mirrored" in " ".join(built.steps)
        assert hand_is_right(built.stages["chain"], ca) != flipped


def test_progress_is_told_for_long_chains_only():
    told = []
    reconstruct(disturbed(distances_of(helix(30))), progress=lambda *step: told.append(step))
    assert told == []
    reconstruct(
        disturbed(distances_of(random_walk(510)), 0.1), progress=lambda *step: told.append(step)
    )
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0 and len(fractions) > 10
    assert all(isinstance(text, str) and text for _, text in told)
