"""`distmat view`, and the reconstruction of what others have written."""

import base64
import json
import re
from pathlib import Path

import numpy as np

import distmat
from distmat.protein.distance_map import pairwise_distances
from distmat.protein.examples import examples
from distmat.protein.structure.beta import read_beta
from distmat.protein.structure.read import read_structure
from distmat.protein.structure.write import write_pdb
from tests.figures.explorer_bytes import read_scene
from tests.test_cli import call

FILES = Path(distmat.__file__).parent / "protein/example_files"


def content(page):
    text = re.search(r'id="content">([^<]*)<', page.read_text(encoding="utf-8")).group(1)
    return read_scene(base64.b64decode(text))


def test_a_map_becomes_a_page_with_its_backbone_and_structure(capsys, tmp_path):
    chain = next(e for e in examples() if e.key == "kunitz").read()
    whole = np.nan_to_num(chain.distances, nan=np.nanmean(chain.distances))
    np.fill_diagonal(whole, 0)
    np.savez(tmp_path / "map.npz", distances=whole)
    (tmp_path / "true.pdb").write_text(write_pdb(chain.sequence, chain.ca))
    out = tmp_path / "page.html"
    options = ["--structure", tmp_path / "true.pdb", "--out", out]
    code, said, _ = call(capsys, "view", tmp_path / "map.npz", *options)
    assert code == 0 and f"distances, {len(chain)} residues" in said
    header, maps, traces = content(out)
    assert header["sequence"] == chain.sequence and set(maps) == {"predicted", "true"}
    assert "truth" in traces and header["stages"]
    code, _, err = call(capsys, "view", tmp_path / "map.npz", "--out", tmp_path / "page.txt")
    assert code == 2 and "must end in .html" in err


def test_a_foreign_distogram_is_rebuilt_and_contacts_are_refused(capsys, tmp_path):
    chain = next(e for e in examples() if e.key == "kunitz").read()
    true = np.nan_to_num(chain.distances, nan=30.0)
    share = np.eye(64)[np.searchsorted(np.linspace(2.3125, 21.6875, 63), true, side="right")]
    np.savez(tmp_path / "af3.npz", distogram=share.astype(np.float16))
    out = tmp_path / "trace.pdb"
    code, _, err = call(capsys, "reconstruct", tmp_path / "af3.npz", "--out", out)
    assert code == 0 and "Cβ" in err and len(read_structure(out)[0]) == len(chain)
    (tmp_path / "c.json").write_text('{"contact_probs": [[1, 0.2], [0.2, 1]]}')
    code, _, err = call(capsys, "reconstruct", tmp_path / "c.json", "--out", out)
    assert code == 2 and "no distances" in err
    code, _, _ = call(capsys, "view", tmp_path / "c.json", "--out", tmp_path / "c.html")
    assert code == 0 and set(content(tmp_path / "c.html")[1]) == {"probability"}


def test_a_map_in_another_unit_is_refused_and_converted_when_that_is_said(capsys, tmp_path):
    chain = next(e for e in examples() if e.key == "kunitz").read()
    whole = np.nan_to_num(chain.distances, nan=np.nanmean(chain.distances))
    np.save(tmp_path / "map.npy", whole / 10)
    out = tmp_path / "page.html"
    code, _, err = call(capsys, "view", tmp_path / "map.npy", "--out", out)
    assert code == 2 and "if they are in nm, give --unit nm." in err and not out.exists()
    code, _, _ = call(capsys, "view", tmp_path / "map.npy", "--unit", "nm", "--out", out)
    _, maps, _ = content(out)
    assert code == 0
    shown = maps["predicted"][np.triu_indices(len(chain), 1)]
    np.testing.assert_allclose(shown, whole[np.triu_indices(len(chain), 1)], atol=0.01)


def test_a_distogram_of_cb_is_scored_against_cb_atoms_beside_the_baseline(capsys, tmp_path):
    example = next(e for e in examples() if e.key == "kunitz")
    path = next(FILES.glob("1adz.pdb.gz"))
    chain = read_structure(path)[0]
    assert chain.sequence == example.read().sequence
    beta = read_beta(path.read_bytes(), path.name, chain, "Cα")
    true = np.nan_to_num(pairwise_distances(beta), nan=30.0)
    share = np.eye(64)[np.searchsorted(np.linspace(2.3125, 21.6875, 63), true, side="right")]
    np.savez(tmp_path / "af3.npz", distogram=share.astype(np.float16))
    code, out, _ = call(capsys, "view", tmp_path / "af3.npz", "--structure", path, "--json")
    said = json.loads(out)["structure"]
    assert code == 0 and said["model"]["mae"] < 0.2 < 3 < said["baseline"]["mae"]
    assert said["verdict"]["kind"] == "better" and said["beyond"]["right"] == 1.0
    # Compared by Cα it would be another map.
    np.save(tmp_path / "plain.npy", np.where(true > 21.6, np.nan, true))
    by_ca, by_cb = (
        json.loads(
            call(capsys, "view", tmp_path / "plain.npy", *atom, "--structure", path, "--json")[1]
        )
        for atom in ((), ("--atom", "CB"))
    )
    assert by_cb["structure"]["model"]["mae"] < 0.2 < by_ca["structure"]["model"]["mae"]


def test_two_maps_are_compared_in_words_and_numbers(capsys, tmp_path):
    chain = next(e for e in examples() if e.key == "kunitz").read()
    whole = np.nan_to_num(chain.distances, nan=np.nanmean(chain.distances))
    np.fill_diagonal(whole, 0)
    np.save(tmp_path / "a.npy", whole)
    np.save(tmp_path / "b.npy", whole + 1.0 - np.eye(len(chain)))
    out = tmp_path / "page.html"
    options = ["--against", tmp_path / "b.npy", "--out", out]
    code, said, _ = call(capsys, "view", tmp_path / "a.npy", *options)
    assert code == 0 and "differ by 1.00 Å on average (mean −1.00, r 1.000)" in said
    header, maps, _ = content(out)
    assert header["words"]["true"] == "other map" and set(maps) == {"predicted", "true"}
    np.save(tmp_path / "c.npy", whole[:30, :30])
    code, _, err = call(
        capsys, "view", tmp_path / "a.npy", "--against", tmp_path / "c.npy", "--json"
    )
    assert code == 2 and "c.npy 30; two maps of one chain" in err
    code, _, err = call(capsys, "view", tmp_path / "a.npy")
    assert code == 2 and "--out PAGE.html" in err


def test_of_several_maps_in_a_file_one_is_chosen(capsys, tmp_path):
    chain = next(e for e in examples() if e.key == "kunitz").read()
    whole = np.nan_to_num(chain.distances, nan=np.nanmean(chain.distances))
    np.savez(tmp_path / "two.npz", one=whole, two=whole)
    code, _, err = call(capsys, "view", tmp_path / "two.npz", "--json")
    assert code == 2 and "2 maps (one, two); say which" in err
    code, out, _ = call(capsys, "view", tmp_path / "two.npz", "--array", "two", "--json")
    assert code == 0 and json.loads(out)["residues"] == len(chain)
