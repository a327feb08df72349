"""Natural relatives of a dataset's chains, to be trained on in the chains' stead.

Relatives fold alike: where the structure of one sequence is known, hundreds of others with nearly
the same one are often known without. Laid on the chain's residues by an alignment, each is
another question with the same answer.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from distmat.dataset.build import State
from distmat.dataset.card.files import read_card, write_card
from distmat.dataset.catalogue import CARD_SUFFIXES
from distmat.dataset.clustering import RELATED, PairAlignment, align, relatives, sensitive_search
from distmat.dataset.store import ROWS_IN_MEMORY, fingerprint, read_dataset
from distmat.errors import ConfigError, DatasetError
from distmat.protein.alignment import LEAST_IDENTITY, MOST_IDENTITY
from distmat.protein.sequence import ALPHABET
from distmat.workspace import replace_file

_SURE = 1e-3
"""E-value from which, as from `RELATED`, a sequence is a held-out chain's relative."""


@dataclass(frozen=True)
class Found:
    """What `add_homologues` has done.

    Parameters
    ----------
    chains : int
        Training chains.
    with_homologues : int
        Of those, how many got any.
    homologues : int
        Sequences written.
    held_back : int
        Sequences left out, for they were relatives of held-out chains.
    """

    chains: int
    with_homologues: int
    homologues: int
    held_back: int


def add_homologues(
    dataset: Path,
    sequences: Path,
    output: Path,
    exclude: Sequence[Path] = (),
    most: int = 10,
    threads: int = 2,
    seed: int = 0,
    progress: Callable[[State], None] = lambda _state: None,
) -> Found:
    """Write a dataset again, with homologues of its training chains.

    Parameters
    ----------
    dataset : Path
        Parquet. Chains of other splits than 'train' get none, and no relative of theirs is
        taken; without splits, all chains are training chains.
    sequences : Path
        FASTA, or Parquet with a column ``sequence``.
    output : Path
        Where the dataset is written: the same columns, and ``homologues``, for each chain a list
        of sequences, residue for residue on its own; its card beside it.
    exclude : sequence of Path
        Datasets of whose chains no relative is taken either, such as val and test where they
        are files of their own.
    most : int
        Homologues of a chain.
    threads, seed : int
    progress : callable
        Told how far it is.

    Raises
    ------
    DatasetError
        If a file can't be read, the dataset would replace itself, or MMseqs2 is missing or fails.
    ConfigError
        If `most` or `threads` is below 1.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    for name, value in (("most", most), ("workers", threads)):
        if value < 1:
            raise ConfigError(f"{name} is {value}; it must be 1 or more.")
    if output.resolve() == dataset.resolve():
        raise DatasetError(f"'{output.stem}' is the dataset itself; give the new one another name.")
    progress(State("list", 0, 1))
    own = read_dataset(dataset)
    training = np.ones(len(own), dtype=bool) if own.splits is None else own.splits == "train"
    held_out = [chain.sequence for chain in own.where(~training).chains]
    for path in exclude:
        held_out += [chain.sequence for chain in read_dataset(path).chains]
    places = np.flatnonzero(training)
    chains = [own.chains[place].sequence for place in places]
    work = output.with_name(f".{output.stem}.homologues")
    progress(State("homologues", 0, 1))
    found = _choose(chains, align(chains, sequences, work, threads), most, seed)
    progress(State("leaks", 0, 1))
    near = _near(held_out, [text for texts in found for text in texts], work, threads)
    kept = [tuple(text for text in texts if text not in near) for texts in found]
    column: list[tuple[str, ...]] = [()] * len(own)
    for place, texts in zip(places, kept, strict=True):
        column[place] = texts
    table = pq.ParquetFile(dataset).read()
    if "homologues" in table.column_names:
        table = table.drop_columns(["homologues"])
    table = table.append_column("homologues", pa.array(column, type=pa.list_(pa.string())))
    counts = [len(texts) for texts in kept]
    answer = Found(len(chains), sum(map(bool, counts)), sum(counts), len(near))
    progress(State("write", 0, 1))
    added = {
        "homologues": {**asdict(answer), "sequences": sequences.name},
        "fingerprint": fingerprint(replace(own, homologues=tuple(column))),
    }
    # The dataset last: where it is, its card is, too.
    _write_card(dataset, output, added)
    with replace_file(output) as file:
        pq.write_table(table, file, compression="zstd", row_group_size=ROWS_IN_MEMORY)
    progress(State("write", 1, 1))
    return answer


def _write_card(dataset: Path, output: Path, added: dict) -> None:
    """The dataset's own card, with what is new; none where it has none."""
    card = read_card(dataset)
    for suffix in CARD_SUFFIXES:
        output.with_name(f"{output.stem}{suffix}").unlink(missing_ok=True)
    if not card:
        return
    write_card({**card, "name": output.stem, **added}, output)
    rejects = dataset.with_suffix(".rejects.csv")
    if rejects.exists():
        shutil.copyfile(rejects, output.with_suffix(".rejects.csv"))


def project_onto_query(chain: str, alignment: PairAlignment) -> str:
    """The relative's residues on the chain's: its own are kept where the relative has none.

    Parameters
    ----------
    chain : str
        One letter per residue; length N.
    alignment : PairAlignment

    Returns
    -------
    str
        Length N.
    """
    letters, place = list(chain), alignment.start
    for own, other in zip(alignment.query_row, alignment.target_row, strict=True):
        if own == "-":
            continue
        if other in ALPHABET:
            letters[place] = other
        place += 1
    return "".join(letters)


def _choose(
    chains: Sequence[str], alignments: Sequence[PairAlignment], most: int, seed: int
) -> list[list[str]]:
    """At most so many sequences for each chain, none twice, whichever order they came in."""
    found: list[set[str]] = [set() for _ in chains]
    for alignment in alignments:
        if LEAST_IDENTITY <= alignment.identity < MOST_IDENTITY:
            chain = chains[alignment.query]
            found[alignment.query].add(project_onto_query(chain, alignment))
    rng = np.random.default_rng(seed)
    chosen = []
    for chain, texts in zip(chains, found, strict=True):
        sorted_texts = sorted(texts - {chain})
        chosen.append([sorted_texts[k] for k in rng.permutation(len(sorted_texts))[:most]])
    return chosen


def _near(held_out: list[str], homologues: list[str], folder: Path, threads: int) -> set[str]:
    """Those that are a held-out chain's relatives."""
    distinct = sorted(set(homologues))
    hits = sensitive_search(held_out, distinct, folder, threads)
    related = {int(place) for place in relatives(hits, RELATED).target}
    related |= {int(place) for place in hits.where(hits.e_value <= _SURE).target}
    return {distinct[place] for place in related}
