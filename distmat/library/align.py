"""Natural relatives of chains, gathered from a file of sequences by MMseqs2."""

from collections.abc import Sequence
from pathlib import Path

from distmat.dataset.clustering import MMseqsWorkspace, finding_in_file
from distmat.dataset.sequence_bank import check_sequences, plain_fasta
from distmat.library.profiles import read_text_database
from distmat.protein.alignment import MOST_ROWS

_ITERATIONS, _SENSITIVITY, _E_VALUE = "2", "5", "0.001"
"""Of the search: sequences found first help to find others."""


def align_relatives(
    chains: Sequence[str], sequences: Path, folder: Path, threads: int = 2
) -> list[str]:
    """The alignment of each chain with its relatives.

    Parameters
    ----------
    chains : sequence of str
    sequences : Path
        FASTA, or Parquet with a column ``sequence``.
    folder : Path
        For MMseqs2's files; is emptied first and removed in the end.
    threads : int

    Returns
    -------
    list of str
        A3M, the chain first; of a chain without relatives it alone.

    Raises
    ------
    DatasetError
        If the file can't be read, or MMseqs2 is missing or fails.
    """
    check_sequences(sequences)
    with MMseqsWorkspace(folder, threads) as place:
        search_relatives(place, chains, sequences, MOST_ROWS)
        place.run(["result2msa", "chains", "natural", "found", "aligned", "--msa-format-mode", "5"])
        found = dict(read_text_database(place.folder / "aligned"))
    return [found.get(number) or f">{number}\n{chain}\n" for number, chain in enumerate(chains)]


def search_relatives(
    place: MMseqsWorkspace, chains: Sequence[str], sequences: Path, most: int = 300
) -> None:
    """Leave the databases ``chains``, ``natural`` and ``found`` in the folder.

    Parameters
    ----------
    place : MMseqsWorkspace
    chains : sequence of str
        Their places are the numbers in the databases.
    sequences : Path
        See `align_relatives`.
    most : int
        Candidates for each chain; MMseqs2's own default is enough for a profile, not for couplings.
    """
    place.write("chains", enumerate(chains))
    natural = plain_fasta(sequences, place.folder / "sequences.fasta").resolve()
    # In the order of the files, so that numbers are places.
    for file, name in (("chains.fasta", "chains"), (str(natural), "natural")):
        place.run(["createdb", file, name, "--shuffle", "0"], threads=False)
    finding = finding_in_file(len(chains), natural, _SENSITIVITY)
    options = ["--num-iterations", _ITERATIONS, "-e", _E_VALUE, "-a", *finding]
    place.run(["search", "chains", "natural", "found", "tmp", *options, "--max-seqs", str(most)])
