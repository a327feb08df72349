"""pLDDT is read of AlphaFold's models alone."""

import numpy as np
import pytest

from distmat.protein.examples import examples
from distmat.protein.query import read_query_file
from distmat.protein.structure.all_atoms import read_plddt
from distmat.protein.structure.write import write_mmcif, write_pdb

TITLE = "ALPHAFOLD MONOMER V2.0 PREDICTION FOR TYROSINE-PROTEIN KINASE (P00520)"


@pytest.fixture(scope="module")
def chain():
    return examples()[7].read()


def test_an_uploaded_model_of_alphafold_is_called_one_with_its_plddt(chain):
    plddt = np.linspace(40, 95, len(chain))
    text = write_pdb(chain.sequence, chain.ca.astype(float), bfactors=plddt, title=TITLE)
    (query,) = read_query_file(text.encode(), "model.pdb")
    seen = np.isfinite(query.structure.plddt)
    np.testing.assert_allclose(query.structure.plddt[seen], plddt[chain.observed], atol=0.01)
    assert "AlphaFold's model, not an experiment" in query.note


@pytest.mark.parametrize(
    ("title", "largest"),
    [
        ("CRYSTAL STRUCTURE SOLVED WITH AN ALPHAFOLD MODEL", 95),
        (TITLE, 140),
        ("", 95),
    ],
    ids=["solved with its help", "no pLDDT", "says nothing"],
)
def test_b_factors_of_anything_else_are_no_plddt(chain, title, largest):
    values = np.linspace(10, largest, len(chain))
    text = write_pdb(chain.sequence, chain.ca.astype(float), bfactors=values, title=title)
    assert read_plddt(text.encode(), "x.pdb", chain) is None


def test_modelcif_is_told_by_its_category(chain):
    plddt = np.linspace(40, 95, len(chain))
    text = write_mmcif(chain.sequence, chain.ca.astype(float), bfactors=plddt)
    named = text.replace("\n", "\n_ma_qa_metric.name pLDDT\n_ma_software.name AlphaFold\n", 1)
    found = read_plddt(named.encode(), "x.cif", chain)
    np.testing.assert_allclose(found[chain.observed], plddt[chain.observed], atol=0.01)
    assert read_plddt(text.encode(), "x.cif", chain) is None
