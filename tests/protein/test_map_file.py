"""Distance maps as files."""

import io

import numpy as np
import pandas as pd
import pytest

from distmat.errors import DistanceMapError
from distmat.protein.distance_map import DistanceMap
from distmat.protein.map_file import contacts_text, csv_text, npy_bytes, read_npy


@pytest.fixture
def predicted():
    rng = np.random.default_rng(0)
    n = 12
    tables = rng.uniform(0.02, 1, size=(3, n, n))
    tables = (tables + tables.transpose(0, 2, 1)) / 2
    return DistanceMap("ACDEFGHIKLMN", 30 * tables[0], 5 * tables[1], tables[2])


def test_npy_comes_back(predicted):
    again = read_npy(npy_bytes(predicted.distances), "map.npy")
    np.testing.assert_allclose(again, predicted.distances, rtol=1e-6)


def test_csv_has_every_pair_once_counted_from_one(predicted):
    table = pd.read_csv(io.StringIO(csv_text(predicted)))
    assert len(table) == 12 * 11 // 2 and (table.i < table.j).all() and table.i.min() == 1
    row = table[(table.i == 2) & (table.j == 9)].iloc[0]
    assert (row.residue_i, row.residue_j) == ("C", "K")
    assert row.distance == pytest.approx(predicted.distances[1, 8], abs=1e-3)
    assert row["std"] == pytest.approx(predicted.std[1, 8], abs=1e-3)
    assert row.contact_probability == pytest.approx(predicted.contacts[1, 8], abs=1e-4)


def test_contacts_are_listed_likeliest_first_from_a_separation_of_six(predicted):
    lines = contacts_text(predicted).splitlines()
    assert lines[0] == "PFRMAT RR" and lines[-1] == "END" and "ACDEFGHIKLMN" in lines
    rows = [line.split() for line in lines if line[0].isdigit()]
    assert len(rows) == 6 * 7 // 2
    assert all(int(j) - int(i) >= 6 for i, j, *_ in rows)
    probabilities = [float(row[4]) for row in rows]
    assert probabilities == sorted(probabilities, reverse=True)
    i, j = int(rows[0][0]) - 1, int(rows[0][1]) - 1
    assert probabilities[0] == pytest.approx(predicted.contacts[i, j], abs=1e-5)


def test_several_arrays_in_one_file_are_refused():
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros(3), b=np.zeros(3))
    with pytest.raises(DistanceMapError, match="several arrays"):
        read_npy(buffer.getvalue(), "maps.npz")
