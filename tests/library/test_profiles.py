"""Profiles as bytes, and as MMseqs2's files."""

import numpy as np

from distmat.dataset.clustering import MMseqsWorkspace
from distmat.library.profiles import (
    BACKGROUND,
    LETTERS,
    pack_frequencies,
    read_profile_database,
    unpack_frequencies,
    write_profile_database,
)


def test_frequencies_come_back_from_bytes_within_a_hundredth():
    frequency = np.random.default_rng(0).dirichlet(np.full(20, 0.2), size=50)
    again = unpack_frequencies(pack_frequencies(frequency))
    assert np.abs(again - frequency).max() < 0.01
    assert np.allclose(again.sum(axis=1), 1)


def test_an_empty_row_is_the_background():
    row = unpack_frequencies(np.zeros((1, 20), dtype=np.uint8))
    assert np.allclose(row, BACKGROUND)


def test_mmseqs_finds_a_sequence_by_a_profile_that_we_wrote(tmp_path, known_chains):
    sequences = [chain.sequence.replace("X", "A") for chain in known_chains]
    profiles = []
    for sequence in sequences:
        frequency = np.full((len(sequence), 20), 0.3 / 19)
        frequency[np.arange(len(sequence)), [LETTERS.index(letter) for letter in sequence]] = 0.7
        profiles.append(pack_frequencies(frequency))
    write_profile_database(tmp_path / "profiles", sequences, profiles)
    database = str(tmp_path / "profiles")
    with MMseqsWorkspace(tmp_path / "work", 1) as place:
        place.write("all", enumerate(sequences))
        place.run(["createdb", "all.fasta", "all"], threads=False)
        place.run(["search", database, "all", "found", "tmp", "--prefilter-mode", "1"])
        columns = ["--format-output", "query,target,qstart,qend"]
        place.run(["convertalis", database, "all", "found", "found.tsv", *columns])
        text = (place.folder / "found.tsv").read_text()
    rows = [line.split("\t") for line in text.splitlines()]
    best = {int(row[0]): int(row[1]) for row in reversed(rows)}
    assert best == {number: number for number in range(len(sequences))}


def test_a_profile_that_mmseqs_made_of_one_sequence_favours_its_residues(tmp_path):
    sequence = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQ"
    with MMseqsWorkspace(tmp_path / "work", 1) as place:
        place.write("one", [(0, sequence)])
        place.run(["createdb", "one.fasta", "one", "--shuffle", "0"], threads=False)
        place.run(["search", "one", "one", "found", "tmp", "-a"])
        place.run(["result2profile", "one", "one", "found", "profile"])
        ((number, packed),) = read_profile_database(place.folder / "profile")
    favourite = unpack_frequencies(packed).argmax(axis=1)
    assert number == 0
    assert "".join(LETTERS[k] for k in favourite) == sequence
