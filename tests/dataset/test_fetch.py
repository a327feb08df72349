"""Single structures by their ids, against a server on this machine."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from distmat.dataset.fetch import fetch_entry, is_entry_id, read_entry
from distmat.errors import AccessError, DatasetError
from distmat.protein.examples import examples
from distmat.protein.structure.write import write_mmcif
from tests.dataset.structure_server import bcif, serving

NOWHERE = "http://127.0.0.1:9"
"""The port of "discard", where nobody listens."""


@contextmanager
def alphafold_db(files, leads_to=""):
    """Answers as AlphaFold DB's does, with these models."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            asked.append(self.path)
            accession = self.path.rpartition("/")[2].removesuffix(".cif")
            if accession not in files:
                self.send_error(404)
                return
            data = files[accession]
            if "/api/" in self.path:
                base = leads_to or f"http://127.0.0.1:{self.server.server_port}"
                data = json.dumps([{"cifUrl": f"{base}/files/{accession}.cif"}]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def chain():
    return examples()[7].read()


@pytest.mark.parametrize(
    "text", ["1abc", "1ABC_A", "pdb_00001abc", "P00520", "af-p00520-f1", "A0A024R1R8"]
)
def test_ids_are_told_from_sequences(text):
    assert is_entry_id(text)


@pytest.mark.parametrize("text", ["", "MKT", "12", "P0052", "../1abc", "1abc/../x", "P00520/x"])
def test_what_is_no_id_is_none(text):
    assert not is_entry_id(text)
    with pytest.raises(DatasetError, match="is no id of the PDB"):
        fetch_entry(text, NOWHERE, NOWHERE)


def test_an_entry_of_the_pdb_is_fetched_once_and_its_chain_chosen(chain):
    with serving({"1abc": bcif(chain)}) as (address, asked):
        (query,) = read_entry(fetch_entry("1ABC_A", address, NOWHERE))
        fetch_entry("1abc", address, NOWHERE)
        with pytest.raises(DatasetError, match="1abc has no protein chain 'Z'"):
            read_entry(fetch_entry("1abc_Z", address, NOWHERE))
        with pytest.raises(DatasetError, match="2abc can't be fetched"):
            fetch_entry("2abc", address, NOWHERE)
    assert [entry for _, entry in asked] == ["1abc", "2abc"]
    assert query.sequence == chain.sequence and not query.note
    # What is here needs no server any more.
    assert fetch_entry("1abc", NOWHERE, NOWHERE).data


def test_a_model_is_called_one_and_its_plddt_is_told(chain):
    plddt = np.linspace(40, 95, len(chain))
    text = write_mmcif(chain.sequence, chain.ca.astype(float), bfactors=plddt)
    with alphafold_db({"P00520": text.encode()}) as (address, asked):
        (query,) = read_entry(fetch_entry("AF-P00520-F1", NOWHERE, address))
        fetch_entry("P00520", NOWHERE, address)
        with pytest.raises(DatasetError, match="no model of P00521"):
            fetch_entry("P00521", NOWHERE, address)
    assert asked[:2] == ["/api/prediction/P00520", "/files/P00520.cif"] and len(asked) == 3
    np.testing.assert_allclose(
        query.structure.plddt[chain.observed], plddt[chain.observed], atol=0.01
    )
    assert query.name == "AF-P00520-F1, a model and no experiment"
    seen = plddt[chain.observed]
    assert f"pLDDT is {seen.mean():.0f} on average" in query.note
    assert f"below 70 for {(seen.round(2) < 70).sum()} of {len(seen)}" in query.note


def test_an_answer_that_leads_elsewhere_is_not_followed(chain):
    with (
        alphafold_db({"P00520": b"x"}, leads_to="http://169.254.1.1") as (address, asked),
        pytest.raises(DatasetError, match="leads elsewhere"),
    ):
        fetch_entry("P00520", NOWHERE, address)
    assert len(asked) == 1


def test_what_is_no_model_is_not_kept():
    with alphafold_db({"P00520": b"<html>"}) as (address, _):
        for _ in range(2):
            with pytest.raises(DatasetError, match="is no mmCIF file"):
                fetch_entry("P00520", NOWHERE, address)


def test_without_a_network_one_sentence_says_so():
    with pytest.raises(DatasetError, match=r"AlphaFold DB can't be reached .* or upload the file"):
        fetch_entry("P00520", NOWHERE, NOWHERE)


def test_a_read_only_server_fetches_nothing(monkeypatch):
    monkeypatch.setenv("DISTMAT_READ_ONLY", "1")
    with pytest.raises(AccessError, match="lets nobody fetch structures"):
        fetch_entry("1abc", NOWHERE, NOWHERE)
