"""Every way out, read again by something that isn't ours."""

import io
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import zipfile
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from distmat import cli
from distmat.export.archive import archive
from distmat.export.formats import FORMATS, USUAL
from distmat.export.restraints import (
    MEASURED_FILE,
    bounds_of,
    choose_pairs,
    read_measured_precision,
)
from distmat.export.source import Source
from distmat.geometry.reconstruction import reconstruct
from distmat.geometry.superposition import superpose
from distmat.prediction import Comparison, Prediction
from distmat.protein.distance_map import DistanceMap, separation
from distmat.protein.distogram import Distogram
from distmat.protein.examples import examples
from distmat.scoring.baseline import reference_baseline
from distmat.scoring.map_scores import score_map
from distmat.scoring.trace_scores import score_trace


@pytest.fixture(scope="module")
def source():
    """A prediction that is right within some noise, surer of near pairs."""
    chain = next(e for e in examples() if e.key == "kunitz").read()
    n = len(chain)
    noise = np.triu(np.random.default_rng(0).normal(0, 0.8, (n, n)), 1)
    table = reference_baseline().predict(n)
    known = np.where(np.isfinite(chain.distances), chain.distances, table)
    distances = np.maximum(known + noise + noise.T, 3.0) * (1 - np.eye(n))
    std = np.clip(distances / 10, 0.3, 4) * (1 - np.eye(n))
    predicted = DistanceMap(chain.sequence, distances, std, np.exp(-((distances / 9) ** 4)))
    backbone = reconstruct(distances, std, unit="Å", zeros_are_missing=False)
    comparison = Comparison(
        chain,
        score_map(distances, chain.ca, predicted.contacts),
        score_map(table, chain.ca),
        score_trace(backbone.coords, chain.ca),
        score_trace(reconstruct(table, unit="Å", zeros_are_missing=False).coords, chain.ca),
    )
    bounds = np.array([0.0, 8.0, 60.0])
    near = (distances < 8).astype(np.float32)
    shares = np.stack([near, 1 - near], axis=-1)
    return Source(
        Prediction("kunitz", predicted, backbone, comparison),
        "mini",
        distogram=lambda: Distogram(predicted.sequence, bounds, shares),
        pairs=((3, 40), (10, 30)),
    )


def alone(source):
    """The same without a structure."""
    one = source.prediction
    return Source(Prediction("x", one.map, one.backbone, None), "mini", distogram=lambda: None)


def made(source, key):
    return FORMATS[key].content(source)


def test_what_the_command_writes_unless_told_otherwise_is_what_it_says():
    assert USUAL == ("npy", "csv", "rr", "pdb", "cif", "json")
    suffixes = [form.suffix for form in FORMATS.values()]
    assert len(set(suffixes)) == len(suffixes)


def test_the_command_s_help_names_every_format(capsys):
    with pytest.raises(SystemExit):
        cli.main(["predict", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    listed = re.search(r"any of ([\w, -]+); 'all'", said).group(1).replace("- ", "-")
    assert listed.split(", ") == list(FORMATS)


def test_b_factors_are_sigma_or_the_error_as_gemmi_reads_them(source):
    gemmi = pytest.importorskip("gemmi")
    n = len(source.prediction.map)
    expected = {"": source.prediction.map.std.sum(axis=1) / (n - 1)}
    chain = source.prediction.comparison.truth
    laid = superpose(source.prediction.backbone.coords, chain.ca).coords
    expected["error-"] = np.linalg.norm(laid - chain.ca, axis=1)
    for prefix, values in expected.items():
        pdb = gemmi.read_pdb_string(made(source, f"{prefix}pdb").decode())
        text = made(source, f"{prefix}cif").decode()
        cif = gemmi.make_structure_from_block(gemmi.cif.read_string(text).sole_block())
        for structure in (pdb, cif):
            found = {r.seqid.num: r[0].b_iso for r in structure[0][0]}
            seen = np.isfinite(values)
            np.testing.assert_allclose(
                [found[k + 1] for k in np.flatnonzero(seen)], values[seen], atol=0.006
            )
        assert "B-factor" in pdb.info["_struct.title"] and "B-factor" in text


def test_arrays_come_back_with_the_distogram(source):
    with np.load(io.BytesIO(made(source, "npz"))) as arrays:
        np.testing.assert_allclose(arrays["distances"], source.prediction.map.distances, atol=1e-4)
        assert arrays["distogram"].shape == (*arrays["std"].shape, 2)
        assert str(arrays["sequence"]) == source.prediction.map.sequence
        np.testing.assert_array_equal(arrays["distogram_bounds"], [0, 8, 60])
        assert arrays["median"].shape == arrays["mean"].shape == arrays["std"].shape
    with np.load(io.BytesIO(made(alone(source), "npz"))) as arrays:
        assert "distogram" not in arrays and "true_coords" not in arrays


def test_csv_and_parquet_are_one_table_and_tell_the_error(source):
    table = pd.read_csv(io.BytesIO(made(source, "csv")))
    again = pd.read_parquet(io.BytesIO(made(source, "parquet")))
    pd.testing.assert_frame_equal(table, again, check_dtype=False)
    np.testing.assert_allclose(
        table["error"].dropna(), (table["distance"] - table["true_distance"]).dropna(), atol=2e-3
    )
    assert table["error"].abs().mean() == pytest.approx(
        source.prediction.comparison.model.mae, abs=1e-3
    )
    assert "error" not in pd.read_csv(io.BytesIO(made(alone(source), "csv")))


def read_rr(text):
    """CASP's RR as its format page describes it, record by record, and nothing else."""
    lines = text.splitlines()
    assert lines[0] == "PFRMAT RR" and lines[-1] == "END"
    assert all(len(line) <= 80 for line in lines)
    place = lines.index("MODEL 1") + 1
    sequence = ""
    while re.fullmatch(r"[A-Z]{1,50}", lines[place]):
        sequence += lines[place]
        place += 1
    pairs = []
    for line in lines[place:-1]:
        i, j, low, high, p = line.split()
        pairs.append((int(i), int(j), float(low), float(high), float(p)))
    assert all(1 <= i < j <= len(sequence) for i, j, *_ in pairs)
    assert all((low, high) == (0, 8) and 0 <= p <= 1 for *_, low, high, p in pairs)
    assert len({pair[:2] for pair in pairs}) == len(pairs)
    assert [p[4] for p in pairs] == sorted((p[4] for p in pairs), reverse=True)
    return sequence, pairs


def test_rr_passes_a_reader_written_from_casps_description(source):
    sequence, pairs = read_rr(made(source, "rr").decode())
    assert sequence == source.prediction.map.sequence and len(pairs) > 20
    i, j, *_, p = pairs[0]
    assert p == pytest.approx(source.prediction.map.contacts[i - 1, j - 1], abs=1e-5)


SYSTEM = {**os.environ, "PATH": "/usr/bin:/bin"}
"""Debian's PyMOL is of Debian's Python, whichever comes first on the path here."""


@pytest.mark.skipif(shutil.which("pymol", path="/usr/bin") is None, reason="PyMOL is not installed")
@pytest.mark.parametrize("known", [True, False])
def test_pymol_opens_the_script_without_a_screen(source, tmp_path, known):
    script = tmp_path / "x.pml"
    script.write_bytes(made(source if known else alone(source), "pymol"))
    report = (
        "python\n"
        "import json\n"
        "print('FOUND', json.dumps([cmd.get_names(), cmd.count_atoms('predicted'),"
        " cmd.get_distance('predicted and resi 4', 'predicted and resi 41')]))\n"
        "python end\n"
    )
    (tmp_path / "report.pml").write_text(report)
    done = subprocess.run(
        ["pymol", "-cq", script, tmp_path / "report.pml"],
        capture_output=True, text=True, check=False, timeout=120, env=SYSTEM,
    )  # fmt: skip
    assert "Error" not in done.stdout + done.stderr, done.stdout + done.stderr
    names, atoms, distance = json.loads(re.search(r"FOUND (.*)", done.stdout).group(1))
    coords = source.prediction.backbone.coords
    assert atoms == len(coords)
    assert distance == pytest.approx(np.linalg.norm(coords[3] - coords[40]), abs=0.01)
    expected = ["predicted", "true", "pair_1", "pair_2"] if known else ["predicted", "pair_1"]
    assert set(expected) <= set(names) and ("true" in names) == known


def test_chimerax_is_given_both_structures_and_the_pairs(source, tmp_path, monkeypatch):
    told = []
    commands = ModuleType("chimerax.core.commands")

    def run(session, command):
        told.append(command)
        if command.startswith("open"):
            with open(command.split('"')[1], encoding="utf-8") as file:
                told.append(file.read())

    commands.run = run
    for name in ("chimerax", "chimerax.core"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "chimerax.core.commands", commands)
    script = tmp_path / "x.py"
    script.write_bytes(made(source, "chimerax"))
    runpy.run_path(str(script), {"session": object()})
    structures = [text for text in told if text.startswith("TITLE")]
    assert len(structures) == 2 and "laid on the structure" in structures[0]
    assert "distance #1/A:4@CA #1/A:41@CA" in told
    assert sum(text.startswith("distance") for text in told) == 2


def sure_pairs(source):
    predicted = source.prediction.map
    sure = (predicted.std <= 2) & (separation(len(predicted)) >= 6)
    return {(i + 1, j + 1) for i, j in np.argwhere(np.triu(sure)).tolist()}


def test_restraints_are_of_sure_pairs_alone_and_within_their_bounds(source):
    wanted = sure_pairs(source)
    assert 10 < len(wanted) < 0.8 * len(source.prediction.map) ** 2 / 2
    cns = re.findall(
        r"^assign \(resid (\d+) and name CA\) \(resid (\d+) and name CA\) (\S+) (\S+) (\S+)$",
        made(source, "cns").decode(), re.M,
    )  # fmt: skip
    rosetta = re.findall(
        r"^AtomPair CA (\d+) CA (\d+) BOUNDED (\S+) (\S+) 1\.0 0\.5 distmat$",
        made(source, "rosetta").decode(), re.M,
    )  # fmt: skip
    openmm = {"__name__": "x"}
    exec(compile(made(source, "openmm"), "x", "exec"), openmm)
    by_openmm = {(i, j): (10 * low, 10 * high) for i, j, low, high in openmm["RESTRAINTS"]}
    by_rosetta = {(int(i), int(j)): (float(a), float(b)) for i, j, a, b in rosetta}
    by_cns = {
        (int(i), int(j)): (float(d) - float(minus), float(d) + float(plus))
        for i, j, d, minus, plus in cns
    }
    assert set(by_cns) == set(by_rosetta) == set(by_openmm) == wanted
    predicted = source.prediction.map
    for (i, j), (low, high) in by_rosetta.items():
        d, half = predicted.distances[i - 1, j - 1], max(2 * predicted.std[i - 1, j - 1], 1)
        assert (low, high) == pytest.approx((max(0, d - half), d + half), abs=0.006)
        assert by_cns[i, j] == pytest.approx((low, high), abs=0.02)
        assert by_openmm[i, j] == pytest.approx((low, high), abs=0.02)


def test_openmm_s_energy_is_that_of_what_is_beyond_the_bounds_and_falls_to_none(source):
    openmm = pytest.importorskip("openmm", reason="OpenMM isn't installed: pip install openmm")
    from openmm import app, unit

    space = {"__name__": "x"}
    exec(compile(made(source, "openmm"), "x", "exec"), space)
    topology, system = app.Topology(), openmm.System()
    chain = topology.addChain()
    for _ in source.prediction.map.sequence:
        residue = topology.addResidue("GLY", chain)
        for name in ("N", "CA"):
            topology.addAtom(name, app.Element.getBySymbol("C"), residue)
            system.addParticle(12.0)
    space["add_restraints"](system, topology, strength=500.0)
    context = openmm.Context(
        system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference")
    )
    coords = source.prediction.backbone.coords / 10
    moved = coords + np.random.default_rng(1).normal(0, 0.3, coords.shape)
    context.setPositions(np.repeat(moved, 2, axis=0))

    def energy():
        state = context.getState(getEnergy=True).getPotentialEnergy()
        return state.value_in_unit(unit.kilojoule_per_mole)

    expected = 0.0
    for i, j, low, high in space["RESTRAINTS"]:
        r = np.linalg.norm(moved[i - 1] - moved[j - 1])
        expected += 500.0 * max(low - r, r - high, 0.0) ** 2
    assert energy() == pytest.approx(expected, rel=1e-4) and expected > 100
    openmm.LocalEnergyMinimizer.minimize(context, 0.01)
    assert energy() < 0.02 * expected


def test_restraints_say_how_often_they_hold_or_that_nobody_measured_it(source, tmp_path):
    for key in ("cns", "rosetta", "openmm"):
        assert "wasn't measured for this checkpoint" in made(source, key).decode()
    row = {"std": 2.0, "pairs_per_chain": 9, "holds": 0.93, "baseline_holds": 0.4}
    content = {"sequence alone": {"chains": 276, "measured": [row]}}
    (tmp_path / MEASURED_FILE).write_text(json.dumps(content))
    known = Source(source.prediction, "mini", tmp_path)
    assert "93% held on 276 known chains" in made(known, "cns").decode()
    assert "separation gives, 40%" in made(known, "cns").decode()
    assert read_measured_precision(tmp_path, 2.0, with_templates=True) is None
    (tmp_path / MEASURED_FILE).write_text("[]")
    assert read_measured_precision(tmp_path, 2.0, with_templates=False) is None


def test_the_command_chooses_the_threshold_and_each_file_tells_it(tmp_path, capsys):
    sequence = examples()[1].read().sequence
    rows = {}
    for threshold in ("1", "3"):
        into = tmp_path / threshold
        chosen = ["--formats", "rosetta", "--restraint-threshold", threshold, "--library", "none"]
        assert cli.main(["predict", sequence, "--out", str(into), *chosen]) == 0
        (text,) = (path.read_text(encoding="utf-8") for path in into.glob("*.cst"))
        assert f"at most {threshold} A" in text and "% held on 276 known chains" in text
        rows[threshold] = text.count("AtomPair")
    assert 0 < rows["1"] < rows["3"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--formats", "cns", "--restraint-threshold", "2.5"], "measured at 1, 1.5, 2, 3 Å"),
        (["--formats", "npy", "--restraint-threshold", "1"], "name one of cns, rosetta, openmm"),
    ],
)
def test_a_threshold_that_means_nothing_is_refused(tmp_path, capsys, arguments, words):
    assert cli.main(["predict", "MKTAYIAKQR", "--out", str(tmp_path / "x"), *arguments]) == 2
    assert words in capsys.readouterr().err


def test_bounds_hold_the_prediction_and_are_never_narrower_than_an_angstrom():
    low, high = bounds_of(np.array([8.0, 3.0]), np.array([0.1, 2.5]))
    np.testing.assert_allclose(low, [7.0, 0.0])
    np.testing.assert_allclose(high, [9.0, 8.0])


def test_no_pair_near_in_the_chain_is_restrained(source):
    i, j = choose_pairs(source.prediction.map, 100.0)
    assert (j - i).min() == 6


def test_pictures_are_of_print_size(source):
    png = made(source, "png")
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    assert png.startswith(b"\x89PNG") and (width, height) == (2040, 1740)
    pdf = made(source, "pdf")
    assert pdf.startswith(b"%PDF") and made(source, "pdf") == pdf
    (box,) = re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", pdf)
    assert float(box[0]) / 72 * 25.4 == pytest.approx(86, abs=1)
    assert made(source, "svg").startswith(b"<svg")


def test_one_archive_holds_every_file_and_says_how_it_was_made(source):
    data = archive(source, "kunitz")
    assert archive(source, "kunitz") == data
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert packed.testzip() is None
        assert set(packed.namelist()) == {
            "README.txt", *(f"kunitz{form.suffix}" for form in FORMATS.values()),
        }  # fmt: skip
        said = packed.read("README.txt").decode()
    for words in ("'mini'", "separation only", "Better than knowing nothing", "kunitz.tbl"):
        assert words in said
    without = zipfile.ZipFile(io.BytesIO(archive(alone(source), "x"))).namelist()
    assert "x-error.pdb" not in without and "x.pdb" in without


def test_a_stranger_s_name_is_in_no_script(source):
    one = source.prediction
    hostile = Source(Prediction('"; import os #\n', one.map, one.backbone, one.comparison), "mini")
    for key in ("pymol", "chimerax", "openmm"):
        assert b"import os #" not in made(hostile, key)
