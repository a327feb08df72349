import biotite.structure as struc
import numpy as np
import pytest

from distmat.geometry.handedness import choose_hand, mirror, reference_angles, trace_angles
from distmat.geometry.superposition import superpose
from tests.geometry.ideal_chains import bundle, helix, random_walk, strand


def test_angles_are_biotite_s():
    ca = random_walk(40)
    theta, tau = trace_angles(ca)
    expected = np.degrees(struc.dihedral(ca[:-3], ca[1:-2], ca[2:-1], ca[3:]))
    np.testing.assert_allclose(tau[1:-2], expected, atol=1e-4)
    bend = np.degrees(struc.angle(ca[:-3], ca[1:-2], ca[2:-1]))
    np.testing.assert_allclose(theta[1:-2], bend, atol=1e-4)


def test_angles_are_nan_where_a_window_is_not_whole():
    theta, _ = trace_angles(helix(10))
    assert np.isnan([theta[0], theta[-2], theta[-1]]).all() and np.isfinite(theta[1:-2]).all()
    holes = helix(12)
    holes[5] = np.nan
    np.testing.assert_array_equal(
        np.isfinite(trace_angles(holes)[1]), [0, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0]
    )
    across = trace_angles(helix(10), np.array([*range(5), *range(9, 14)]))[1]
    np.testing.assert_array_equal(np.isfinite(across), [0, 1, 1, 0, 0, 0, 1, 1, 0, 0])
    assert np.isnan(trace_angles(helix(3))[1]).all()


def test_a_right_handed_helix_turns_by_fifty_degrees_and_a_strand_is_stretched():
    theta, tau = trace_angles(helix(8))
    assert tau[2] == pytest.approx(50, abs=2) and theta[2] == pytest.approx(91, abs=2)
    assert trace_angles(strand(8))[1][2] == pytest.approx(-170, abs=3)


@pytest.mark.parametrize("ca", [helix(20), strand(20), bundle()], ids=["helix", "strand", "bundle"])
def test_the_right_hand_is_chosen_from_either_image(ca):
    for given in (ca, mirror(ca)):
        hand = choose_hand(given)
        assert hand.verdict == "chosen" and hand.confidence > 0.15
        assert superpose(hand.coords, ca).rmsd < 1e-9
    assert choose_hand(mirror(ca)).mirrored and not choose_hand(ca).mirrored


def test_both_images_are_chosen_with_the_same_confidence():
    ca = random_walk(60)
    assert choose_hand(ca).confidence == pytest.approx(choose_hand(mirror(ca)).confidence)


def test_a_chain_that_turns_both_ways_is_undecided():
    right = helix(20)
    left = right * [1.0, 1.0, -1.0]
    joined = np.concatenate([right, left - left[0] + right[-1] + [3.8, 0.0, 0.0]])
    assert choose_hand(joined).verdict == "undecided"


@pytest.mark.parametrize("n", [1, 2, 3])
def test_less_than_four_residues_are_flat(n):
    assert choose_hand(helix(n)).verdict == "flat"


def test_a_planar_chain_is_flat_and_stays():
    ca = strand(20)
    ca[:, 1] = 0.0
    hand = choose_hand(ca)
    assert hand.verdict == "flat" and hand.confidence == 0.0
    np.testing.assert_array_equal(hand.coords, ca)


def test_the_mirror_image_keeps_all_distances_and_stays_close():
    ca = strand(30)
    image = mirror(ca)
    assert superpose(image, ca, allow_mirror=True).rmsd < 1e-9
    assert superpose(image, ca).rmsd > 0.05
    assert np.linalg.norm(image - ca, axis=1).max() < 2.5
    ca[4] = np.nan
    assert np.isnan(mirror(ca)[4]).all() and np.isfinite(mirror(ca)[5:]).all()


def test_known_chains_turn_most_often_as_helices_do():
    known = reference_angles()
    assert known.density.shape == (len(known.theta_edges) - 1, len(known.tau_edges) - 1)
    assert known.density.sum() == pytest.approx(1.0)
    row, column = np.unravel_index(known.density.argmax(), known.density.shape)
    assert 80 < known.theta_edges[row] < 95
    assert 40 < known.tau_edges[column] < 60
