"""Files of each format, written here from the formats' descriptions."""

import io
import json
import pickle

import numpy as np
import pytest

from distmat.errors import DistanceMapError
from distmat.protein.distance_map import DistanceMap, pairwise_distances
from distmat.protein.foreign_map import read_foreign_map
from distmat.protein.map_file import contacts_text, csv_text, npy_bytes

N = 14


@pytest.fixture
def distances():
    steps = np.random.default_rng(1).normal(size=(N, 3))
    return pairwise_distances(
        np.cumsum(3.0 * steps / np.linalg.norm(steps, axis=1)[:, None], axis=0)
    )


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def distogram(distances, edges, open_first=False):
    """All probability in the bin of the true distance, half of it where it begins to be longer."""
    bins = np.searchsorted(edges, distances, side="right")
    share = np.eye(len(edges) + 1)[bins]
    return np.roll(share[..., 1:], 1, axis=2) if open_first else share


CASES = {
    "AlphaFold 3": ("distogram", np.linspace(2.3125, 21.6875, 63), False),
    "ESMFold": ("distogram_logits", np.linspace(2.3125, 21.6875, 63), False),
    "ESMFold2": ("distogram_logits", np.linspace(2.0, 52.0, 127), False),
    "Boltz": ("pdistogram", np.linspace(2.0, 22.0, 63), False),
    "trRosetta": ("dist", np.arange(2.0, 20.5, 0.5), True),
}


@pytest.mark.parametrize("case", CASES)
def test_a_distogram_is_read_within_half_a_bin_and_what_is_far_stays_unknown(case, distances):
    key, edges, open_first = CASES[case]
    distances = np.maximum(distances, 2.6) * (5 if case == "ESMFold2" else 2.2)
    share = distogram(distances, edges, open_first)
    if key in ("distogram_logits", "pdistogram"):
        share = np.log(share + 1e-9)
    found = read_foreign_map(npz(**{key: share.astype(np.float16)}), "x.npz")
    assert found.atom == "Cβ" and found.residues == N
    # Where the format's own code leaves the edges open, the map says so.
    assert ("assumed" in found.assumed) == case.startswith("ESMFold")
    i, j = np.triu_indices(N, 1)
    true, read = distances[i, j], found.distances[i, j]
    near = true < edges[-1]
    assert near.any() and (~near).any()
    np.testing.assert_allclose(read[near], true[near], atol=0.26)
    assert np.isnan(read[~near]).all()
    sure = np.abs(true - 8) > 0.5
    np.testing.assert_allclose(found.contacts[i, j][sure], true[sure] < 8, atol=0.01)


def test_several_maps_in_one_file_are_a_choice(distances):
    data = npz(one=distances, two=distances + 1 - np.eye(N), other=np.zeros(3))
    with pytest.raises(DistanceMapError, match="2 maps \\(one, two\\); say which"):
        read_foreign_map(data, "x.npz")
    np.testing.assert_allclose(read_foreign_map(data, "x.npz", "one").distances, distances)
    with pytest.raises(DistanceMapError, match="no map called 'three'"):
        read_foreign_map(data, "x.npz", "three")


def test_trrosettas_angles_are_no_second_map(distances):
    share = distogram(distances, np.arange(2.0, 20.5, 0.5), True)
    angles = np.full((N, N, 25), 1 / 25)
    found = read_foreign_map(npz(dist=share, omega=angles, theta=angles), "x.npz")
    assert found.kind == "trRosetta's distogram"


def test_alphafolds_contacts_are_contacts_and_its_pae_is_no_distance(distances):
    likely = np.exp(-distances / 8)
    text = json.dumps({"contact_probs": likely.tolist(), "pae": distances.tolist()}).encode()
    found = read_foreign_map(text, "confidences.json")
    assert found.distances is None
    np.testing.assert_allclose(found.contacts, likely)
    for content in ({"pae": distances.tolist()}, [{"predicted_aligned_error": distances.tolist()}]):
        with pytest.raises(DistanceMapError, match="aren't distances"):
            read_foreign_map(json.dumps(content).encode(), "x.json")
    with pytest.raises(DistanceMapError, match="aren't distances"):
        read_foreign_map(npz(pae=distances), "x.npz")


def test_casps_contacts_and_distances_are_read_pair_by_pair():
    head = "PFRMAT RR\nTARGET T1\n{mode}MODEL 1\nACDEFGHIKL\nMNPQ\n"
    one = head.format(mode="") + "1 9 0 8 0.70\n3 14 0 8 0.1\nEND\n"
    found = read_foreign_map(one.encode(), "x.rr")
    assert (found.sequence, found.atom) == ("ACDEFGHIKLMNPQ", "Cβ")
    assert found.contacts[8, 0] == 0.7 and np.isnan(found.contacts[0, 1])
    bins = "0 0 0 0 1 0 0 0 0 0", "0 0 0 0 0 0 0 0 0 1"
    two = head.format(mode="RMODE 2\n") + f"1 9 0.0 {bins[0]}\n3 14 0.0 {bins[1]}\nEND\n"
    found = read_foreign_map(two.encode(), "x.rr")
    assert found.distances[0, 8] == pytest.approx(11.0)
    assert np.isnan(found.distances[2, 13])
    with pytest.raises(DistanceMapError, match="mode 2"):
        read_foreign_map(one.replace("MODEL", "RMODE 2\nMODEL").encode(), "x.rr")


def test_our_own_files_come_back(distances):
    ours = DistanceMap("ACDEFGHIKLMNPQ", distances, distances / 10, np.exp(-distances / 8))
    np.testing.assert_allclose(
        read_foreign_map(npy_bytes(distances), "a").distances, distances, 1e-5
    )
    pairs = read_foreign_map(csv_text(ours).encode(), "a.csv")
    np.testing.assert_allclose(pairs.distances, distances, atol=6e-4)
    assert (pairs.sequence, pairs.atom) == (ours.sequence, "Cα")
    listed = read_foreign_map(contacts_text(ours).encode(), "a.rr")
    assert (listed.atom, listed.sequence) == ("Cα", ours.sequence)
    assert listed.contacts[0, 13] == pytest.approx(ours.contacts[0, 13], abs=1e-5)


@pytest.mark.parametrize("between", [",", " ", "\t", ";"])
def test_a_table_of_numbers_is_read_whatever_stands_between_them(between, distances):
    rows = [between.join(f"{value:.4f}" for value in row) for row in distances]
    found = read_foreign_map("\n".join(["# made up", *rows]).encode(), "x.txt")
    np.testing.assert_allclose(found.distances, distances, atol=1e-4)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x80\xff\x00", "no map of a known format"),
        (b"hello there", "no map of a known format"),
        (b"1 2\n3", "no map of a known format|no N×N"),
        (b"{", "can't be read as JSON"),
        (b"1 2\n2 1", "on its diagonal"),
        (b"0 -2\n-2 0", "has -2 in it"),
        (npz(a=np.zeros((4, 4, 9))), "9 bins"),
        (npz(a=np.zeros(4)), "no N×N map"),
        (npz(a=np.array([print], dtype=object)), "without running code"),
        (pickle.dumps([1]), "no map of a known format"),
        (b"i,j,distance,contact_probability\n1,2,3.8,0.5\n", "table of pairs that distmat writes"),
        (b"i,j,residue_i,residue_j,distance,contact_probability\n", "without a line of a pair"),
        (npz(a=np.ones((4, 4))).replace(b"PK\x01\x02", b"PK\x01\x09"), "damaged archive"),
    ],
    ids=range(13),
)
def test_what_is_no_map_is_refused_in_one_sentence(data, words):
    with pytest.raises(DistanceMapError, match=words):
        read_foreign_map(data, "x")


def test_boltz_names_its_distogram_as_esmfold_does_and_is_told_by_its_tokens(distances):
    distances = np.maximum(distances, 2.6) * 2.2
    edges = np.linspace(2.0, 22.0, 63)
    share = np.log(distogram(distances, edges) + 1e-9).astype(np.float16)
    found = read_foreign_map(npz(distogram_logits=share, asym_id=np.zeros(N)), "x.npz")
    assert found.kind == "Boltz's distogram" and found.farthest == 22.0
    # An axis of one distogram of several, and one of a batch, are no maps' own.
    for shape in ((N, N, 1, 64), (1, N, N, 64)):
        again = read_foreign_map(npz(pdistogram=share.reshape(shape)), "x.npz")
        np.testing.assert_array_equal(again.distances, found.distances)


def test_a_pair_in_the_open_bin_is_told_apart_from_one_that_is_not_known(distances):
    distances = np.maximum(distances, 2.6) * 2.2
    share = distogram(distances, np.linspace(2.3125, 21.6875, 63))
    found = read_foreign_map(npz(distogram=share), "x.npz")
    assert found.beyond.any() and (np.isnan(found.distances) == found.beyond).all()
    assert (distances[found.beyond] > found.farthest).all()
    bins = "0 0 0 0 0 0 0 0 0 1"
    two = f"PFRMAT RR\nRMODE 2\nMODEL 1\nACDEFGHIKLMNPQ\n3 14 0.0 {bins}\nEND\n"
    found = read_foreign_map(two.encode(), "x.rr")
    assert found.beyond.sum() == 2 and found.beyond[2, 13] and found.farthest == 20.0


def test_a_list_of_contacts_needs_no_header():
    found = read_foreign_map(b"1 9 0 8 0.70\n3 14 0 8 0.1\n", "x.psicov")
    assert found.kind == "a list of contacts" and found.residues == 14
    assert found.contacts[8, 0] == 0.7 and np.isnan(found.contacts[0, 1])
    # Beyond 1 they are scores; with CASP's header that would be a fault.
    scored = read_foreign_map(b"1 9 0 8 3.5\n3 14 0 8 0.1\n", "x.psicov")
    assert scored.contacts is None and scored.scores[0, 8] == 3.5
    with pytest.raises(DistanceMapError, match=r"3\.5 where a probability of contact, 0 to 1"):
        read_foreign_map(b"PFRMAT RR\nMODEL 1\nACDEFGHIKL\n1 9 0 8 3.5\nEND\n", "x.rr")
    # Five residues' distances are five numbers a line, too.
    table = "0 4 5 6 7\n4 0 4 5 6\n5 4 0 4 5\n6 5 4 0 4\n7 6 5 4 0\n"
    assert read_foreign_map(table.encode(), "x.txt").distances[0, 4] == 7


def test_an_archive_that_would_fill_the_memory_is_not_unpacked(monkeypatch, distances):
    monkeypatch.setattr("distmat.protein.foreign_map._LARGEST_ARCHIVE", 500)
    with pytest.raises(DistanceMapError, match=r"unpacks to 0\.0 GiB"):
        read_foreign_map(npz(a=distances), "x.npz")


def test_a_letter_that_is_no_amino_acid_is_unknown():
    found = read_foreign_map(b"PFRMAT RR\nMODEL 1\nACBJZ\n1 5 0 8 0.7\nEND\n", "x.rr")
    assert found.sequence == "ACXXX"
    pairs = b"i,j,residue_i,residue_j,distance,contact_probability\n1,2,AC,,3.8,0.5\n"
    assert read_foreign_map(pairs, "x.csv").sequence == "AX"
