"""Reading structure files: PDB, mmCIF and BinaryCIF, each also gzipped.

Of a file come its protein chains: first model, the altloc of highest occupancy, modified
residues as their parents. Where the file says what the polymer was (SEQRES, or mmCIF's
polymer sequence), residues that were not observed are there too, without coordinates.
"""

import re
from dataclasses import replace
from pathlib import Path

from distmat.errors import StructureError
from distmat.protein.chain import Chain
from distmat.protein.sequence import MIN_RESIDUES
from distmat.protein.structure.entry import AmbiguousError, Entry, MalformedError
from distmat.protein.structure.pdb import read_pdb
from distmat.protein.structure.pdbx import read_bcif, read_cif
from distmat.protein.structure.polymer_chain import is_protein
from distmat.protein.structure.sniff import check_size, inert, structure_format, unpack

_READERS = {"PDB": read_pdb, "mmCIF": read_cif, "BinaryCIF": read_bcif}

_OTHER_KINDS = (
    (b"PK\x03\x04", "is a ZIP archive; unpack it and give one file of it"),
    (b"BZh", "is packed with bzip2; unpack it first"),
    (b"\xfd7zXZ", "is packed with xz; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "is packed with Zstandard; unpack it first"),
    (b"<", "is a web page or XML; download the structure as mmCIF"),
    (b">", "begins like a FASTA file; give it as a sequence"),
)
"""How files begin that people mistake for structure files, and what to do with them."""


def read_structure(path: str | Path) -> list[Chain]:
    """Read the protein chains of a structure file.

    Parameters
    ----------
    path : str or Path
        PDB, mmCIF or BinaryCIF, which its content decides; gzipped or not.

    Returns
    -------
    list of Chain
        In the order of the file, named by the file and the author's chain id, ``"1abc_A"``. A
        chain has at least two residues with a Cα.

    Raises
    ------
    StructureError
        If the file is missing, of another kind, damaged, or holds no protein chain.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise StructureError(f"There is no file {inert(str(path))}; check its name.")
        # Neither a folder nor a device, which would never end.
        if not path.is_file():
            raise StructureError(f"{inert(str(path))} is no file; give a structure file.")
        check_size(path.stat().st_size, path.name)
        data = path.read_bytes()
    # A name with a NUL byte is a ValueError.
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is none"
        raise StructureError(
            f"{inert(str(path))} can't be opened ({reason}); check its name and permissions."
        ) from None
    return read_structure_bytes(data, path.name)


def read_structure_bytes(data: bytes, filename: str) -> list[Chain]:
    """`read_structure` for a file that is already in memory, such as an upload.

    Parameters
    ----------
    data : bytes
    filename : str
        For the chains' names and for errors; nothing is opened by it.
    """
    return list(read_entry_bytes(data, filename).chains)


def read_entry_bytes(data: bytes, filename: str) -> Entry:
    """`read_structure_bytes` with what the file says of the experiment."""
    data = unpack(data, filename)
    kind = _readable_format(data, filename)
    try:
        experiment, found = _READERS[kind](data)
        chains = [chain for chain in found if is_protein(chain)]
    except AmbiguousError as error:
        raise StructureError(f"{inert(filename)} can't be told apart: {error}.") from error
    except MalformedError as error:
        raise StructureError(
            f"{inert(filename)} is damaged or no proper {kind} file ({inert(str(error))}); "
            "download it again."
        ) from error
    if not chains:
        raise StructureError(
            f"{inert(filename)} holds no protein chain of {MIN_RESIDUES} or more residues with "
            "Cα atoms; give a file with a protein."
        )
    return Entry(tuple(_with_names(chains, filename)), *experiment)


def _with_names(chains: list[Chain], filename: str) -> list[Chain]:
    """The chains called ``file_id``, all different, without what is awkward in a file's name."""
    stem = re.sub(
        r"(\.(pdb|ent|cif|mmcif|bcif))?(\.txt)?(\.gz)?$", "", filename, flags=re.IGNORECASE
    )
    taken: dict[str, int] = {}
    named = []
    for chain in chains:
        name = f"{stem[:80] or 'structure'}_{chain.name[:20]}".rstrip("_")
        name = re.sub(r"[^\w.+-]+", "_", name)
        taken[name] = taken.get(name, 0) + 1
        number = f".{taken[name]}" if taken[name] > 1 else ""
        named.append(replace(chain, name=f"{name}{number}", chain_id=f"{chain.chain_id}{number}"))
    return named


def _readable_format(data: bytes, filename: str) -> str:
    """The format of a file that can be read; any other is refused by what it is."""
    start = data[:65536].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise StructureError(f"{inert(filename)} is empty; give a PDB, mmCIF or BinaryCIF file.")
    kind = structure_format(data)
    if kind == "MMTF" or re.search(r"\.mmtf(\.gz)?$", filename, re.IGNORECASE):
        raise StructureError(
            f"{inert(filename)} is MMTF, a format retired in 2024; download it as mmCIF."
        )
    for beginning, advice in _OTHER_KINDS:
        if start.startswith(beginning):
            raise StructureError(f"{inert(filename)} {advice}.")
    if kind is None:
        raise StructureError(
            f"{inert(filename)} is no structure file; give PDB, mmCIF or BinaryCIF."
        )
    return kind
