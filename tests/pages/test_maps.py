"""The page Maps: what a person does with maps of others."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

import distmat
from distmat.protein.distance_map import pairwise_distances
from distmat.protein.structure.beta import read_beta
from distmat.protein.structure.read import read_structure_bytes
from tests.pages.test_predict import assert_no_fault, scenes, shown

STRUCTURE = Path(distmat.__file__).parent / "protein/example_files/1adz.pdb.gz"
EDGES = np.linspace(2.3125, 21.6875, 63)


@pytest.fixture(scope="module")
def chain():
    return read_structure_bytes(STRUCTURE.read_bytes(), STRUCTURE.name)[0]


@pytest.fixture(scope="module")
def alphafold(chain):
    """A distogram as AlphaFold 3 writes it, of the structure's own Cβ."""
    beta = read_beta(STRUCTURE.read_bytes(), STRUCTURE.name, chain, "Cα")
    true = np.nan_to_num(pairwise_distances(beta), nan=30.0)
    share = np.eye(64)[np.searchsorted(EDGES, true, side="right")]
    return npz(distogram=share.astype(np.float16))


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


@pytest.fixture
def maps(page):
    page.run()
    page.switch_page("maps.py").run()
    assert_no_fault(page)
    return page


def upload(page, key, name, data):
    one = next(box for box in page.file_uploader if box.key == key)
    return one.set_value((name, data, "application/octet-stream")).run()


def plain(chain):
    table = np.nan_to_num(chain.distances, nan=np.nanmean(chain.distances))
    np.fill_diagonal(table, 0)
    return table


def test_an_empty_page_says_what_can_be_opened(maps):
    assert "AlphaFold 3" in str(maps.table[0].value) and not maps.header


def test_a_distogram_is_shown_with_its_backbone_and_measured_beside_the_baseline(maps, alphafold):
    upload(maps, "map", "af3.npz", alphafold)
    assert_no_fault(maps)
    assert maps.header[0].value == r"af3\.npz"
    ((header, tables, traces),) = scenes(maps)
    assert set(tables) == {"predicted", "probability"} and header["stages"]
    upload(maps, "structure", STRUCTURE.name, STRUCTURE.read_bytes())
    assert_no_fault(maps)
    assert "Better than knowing nothing" in maps.success[0].value
    ((header, tables, traces),) = scenes(maps)
    assert "true" in tables and "truth" in traces
    said = shown(maps)
    assert "by Cβ atoms" in said and "open last bin" in said and "100%" in said
    rows = maps.table[0].value
    assert "knowing only the separation" in rows


def test_two_maps_are_held_against_each_other(maps, chain, alphafold):
    upload(maps, "map", "mine.npy", array(plain(chain)))
    upload(maps, "against", "af3.npz", alphafold)
    assert_no_fault(maps)
    labels = {metric.label: metric.value for metric in maps.metric}
    assert {"Distances differ by", "Contacts in both"} <= set(labels)
    ((header, tables, _),) = scenes(maps)
    assert header["words"]["true"] == "other map" and {"predicted", "true"} <= set(tables)
    assert "One map is between Cα, the other between Cβ" in maps.info[0].value


def test_contacts_alone_are_compared_as_contacts(maps, chain):
    likely = np.where(plain(chain) < 8, 0.9, 0.1)
    upload(maps, "map", "c.json", json.dumps({"contact_probs": likely.tolist()}).encode())
    upload(maps, "against", "d.npy", array(plain(chain)))
    assert_no_fault(maps)
    assert {metric.label: metric.value for metric in maps.metric}["in the first alone"] == "0"
    assert len(maps.get("plotly_chart")) == 1
    assert "no backbone is rebuilt" in shown(maps)


def array(table):
    buffer = io.BytesIO()
    np.save(buffer, table)
    return buffer.getvalue()


def test_the_unit_is_asked_where_it_is_not_clear(maps, chain):
    upload(maps, "map", "nm.npy", array(plain(chain) / 10))
    assert not maps.header and "not 3.8 as in Å" in maps.warning[0].value.replace("\\", "")
    maps.segmented_control(key="map-unit").set_value("nm").run()
    assert_no_fault(maps)
    ((_, tables, _),) = scenes(maps)
    upper = np.triu_indices(len(chain), 1)
    np.testing.assert_allclose(tables["predicted"][upper], plain(chain)[upper], atol=0.02)


def test_of_several_arrays_one_is_chosen(maps, chain):
    upload(maps, "map", "two.npz", npz(one=plain(chain), two=plain(chain)[:30, :30]))
    assert_no_fault(maps)
    assert f"{len(chain)} residues" in shown(maps)
    maps.selectbox(key="map-array").select("two").run()
    assert "30 residues" in shown(maps)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"hello", "no map of a known format"),
        (npz(pae=np.ones((5, 5))), "aren't distances"),
        (b"\x80\xff", "no map of a known format"),
    ],
)
def test_what_is_no_map_is_answered_with_one_sentence(maps, data, words):
    upload(maps, "map", "x.bin", data)
    (error,) = maps.error
    assert words in error.value.replace("\\", "") and not maps.exception


def test_a_structure_of_another_chain_leaves_the_map_where_it_is(maps, chain):
    upload(maps, "map", "mine.npy", array(plain(chain)[:40, :40]))
    upload(maps, "structure", STRUCTURE.name, STRUCTURE.read_bytes())
    assert "no such chain of 40 residues" in maps.error[0].value.replace("\\", "")
    assert len(scenes(maps)) == 1


def test_what_can_be_taken_home_is_offered(maps, alphafold):
    upload(maps, "map", "af3.npz", alphafold)
    labels = [button.proto.label for button in maps.get("download_button")]
    assert labels == [
        "Trace, PDB",
        "Trace, mmCIF",
        "Map, NPY",
        "Pairs, CSV",
        "Numbers, JSON",
        "Explorer, HTML",
    ]
