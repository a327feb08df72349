"""`distmat view`, and the reconstruction of what others have written."""

import base64
import re

import numpy as np

from distmat.protein.examples import examples
from distmat.protein.structure.read import read_structure
from distmat.protein.structure.write import write_pdb
from tests.figures.explorer_bytes import read_scene
from tests.test_cli import call


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
