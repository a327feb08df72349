"""One model of an ensemble, as gemmi reads the same file."""

import numpy as np
import pytest

from distmat.errors import StructureError
from distmat.protein.examples import examples
from distmat.protein.structure.models import count_models, one_model
from distmat.protein.structure.read import read_structure_bytes
from distmat.protein.structure.write import write_pdb

gemmi = pytest.importorskip("gemmi")


@pytest.fixture(scope="module")
def chain():
    return examples()[7].read()


@pytest.fixture(scope="module")
def ensemble(chain):
    """Three models, each a bit further along x."""
    parts = []
    for number in range(3):
        lines = write_pdb(chain.sequence, chain.ca + np.array([10.0 * number, 0, 0])).splitlines()
        atoms = [line for line in lines if line[:4] in ("ATOM", "TER ")]
        parts += [f"MODEL     {number + 1:>4}", *atoms, "ENDMDL"]
    return "\n".join(["HEADER    MADE UP", *parts, "END", ""])


@pytest.fixture(params=["PDB", "mmCIF", "BinaryCIF"])
def data(request, ensemble, tmp_path):
    if request.param == "PDB":
        return ensemble.encode()
    structure = gemmi.read_pdb_string(ensemble)
    structure.setup_entities()
    text = structure.make_mmcif_document().as_string()
    if request.param == "mmCIF":
        return text.encode()
    import io

    from biotite.structure.io.pdbx import BinaryCIFBlock, BinaryCIFCategory, BinaryCIFFile, CIFFile

    binary = BinaryCIFFile()
    binary["x"] = BinaryCIFBlock(
        {
            name: BinaryCIFCategory({key: column.as_array() for key, column in table.items()})
            for name, table in CIFFile.read(io.StringIO(text)).block.items()
        }
    )
    file = io.BytesIO()
    binary.write(file)
    return file.getvalue()


def test_each_model_is_read_alone(data, chain):
    assert count_models(data, "x") == 3
    for number in (1, 2, 3):
        (found,) = read_structure_bytes(one_model(data, "x", number), "x")
        moved = chain.ca[chain.observed] + [10.0 * (number - 1), 0, 0]
        np.testing.assert_allclose(found.ca[found.observed], moved, atol=2e-3)
    with pytest.raises(StructureError, match="x has 3 models, and no model 4"):
        one_model(data, "x", 4)


def test_a_single_model_is_the_file_itself(chain):
    data = write_pdb(chain.sequence, chain.ca).encode()
    assert count_models(data, "x") == 1 and one_model(data, "x", 1) is data
    assert count_models(b">x\nMKT", "x") == 1
