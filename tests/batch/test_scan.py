"""A scan: each mutant's map beside the wild type's, as a table and a heat map."""

import csv

import numpy as np
import pytest

from distmat.batch.scan import scan
from distmat.errors import ConfigError
from distmat.protein.sequence import ALPHABET

SEQUENCE = "MKTAYIAKQRQISFVKSHFA"


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_exchange_is_there_once_with_the_change_of_its_map(tmp_path, predictor):
    changes = scan(predictor, SEQUENCE, "all", tmp_path)
    n = len(SEQUENCE)
    assert changes.shape == (n, 20) and np.isfinite(changes).all()
    assert ((changes == 0).sum(axis=1) == 1).all()
    assert len(predictor.asked) == len(set(predictor.asked)) == 19 * n
    # Of the stand-in a mutant's own n - 1 distances move by 0.01 Å for each place in the alphabet.
    steps = abs(ALPHABET.index("M") - ALPHABET.index("W"))
    assert changes[0, ALPHABET.index("W")] == pytest.approx(0.01 * steps * 2 / n, abs=1e-4)
    rows, heat = rows_of(tmp_path / "scan.csv"), rows_of(tmp_path / "heatmap.csv")
    assert len(rows) == 19 * n and rows[0]["position"] == "1" and rows[0]["wild_type"] == "M"
    assert [row["residue"] for row in heat] == [f"{a}{i}" for i, a in enumerate(SEQUENCE, 1)]
    assert float(heat[0]["W"]) == changes[0, ALPHABET.index("W")]


def test_a_scan_of_alanine_goes_on_after_a_kill(tmp_path, predictor):
    class KilledError(Exception):
        pass

    def kill(done, total, text):
        if done >= 10:
            raise KilledError

    with pytest.raises(KilledError):
        scan(predictor, SEQUENCE, "alanine", tmp_path, kill)
    asked = len(predictor.asked)
    changes = scan(predictor, SEQUENCE, "alanine", tmp_path)
    not_alanine = sum(letter != "A" for letter in SEQUENCE)
    # Eight positions were whole; one of them is alanine already.
    assert len(predictor.asked) - asked < not_alanine - 5
    assert np.isfinite(changes[:, 0]).all() and len(rows_of(tmp_path / "scan.csv")) == not_alanine
    assert not (tmp_path / ".in-progress").exists()


def test_another_kind_of_scan_is_refused(tmp_path, predictor):
    with pytest.raises(ConfigError, match="there are alanine, all"):
        scan(predictor, SEQUENCE, "glycine", tmp_path)
