"""A query's own relatives are gathered, and find what the query alone doesn't."""

import numpy as np

from distmat import cli
from distmat.library.align import align_relatives
from distmat.library.search import find_templates, search
from distmat.protein.alignment import read_alignment


def between(one, other, share, seed):
    """The first sequence, with this share of its residues from the second."""
    hit = np.random.default_rng(seed).random(len(one)) < share
    return "".join(np.where(hit, list(other), list(one)))


def family(known, relative):
    """A query too far from the known chain to be found, and relatives on the way there."""
    query = relative(known, 0.9)
    return query, [between(query, known, share, n) for n, share in enumerate([0.3, 0.5, 0.7] * 6)]


def test_relatives_of_each_chain_are_aligned_to_it(library, known_chains, relative, tmp_path):
    chains = [chain.sequence for chain in known_chains[:2]]
    natural = tmp_path / "natural.fasta"
    made = [relative(chain, share) for chain in chains for share in (0.3, 0.4, 0.5)]
    natural.write_text("".join(f">n{n}\nGSHM{text}\n" for n, text in enumerate(made)))
    strangers = "".join(np.random.default_rng(1).choice(list("ACDEFGHIKLMNPQRSTVWY"), 100))
    texts = align_relatives([*chains, strangers], natural, tmp_path / "work", threads=1)
    found = [read_alignment(text, sure=True) for text in texts]
    assert [len(alignment) for alignment in found] == [4, 4, 1]
    assert all(a.rows.shape[1] == len(c) for a, c in zip(found, chains, strict=False))
    assert (found[0].rows[1:] == found[0].rows[0]).mean() > 0.4
    assert not (tmp_path / "work").exists()


def test_an_alignment_finds_the_known_chain_that_its_query_alone_does_not(
    library, known_chains, relative
):
    known = known_chains[0].sequence
    query, relatives = family(known, relative)
    assert search(library, [query], threads=1) == [[]]
    text = "".join(f">{n}\n{row}\n" for n, row in enumerate([query, *relatives]))
    alignment = read_alignment(text, sure=True)
    (hits,) = search(library, [query], threads=1, alignments=[alignment])
    assert hits[0].target == 0 and hits[0].e_value < 1e-3
    place = hits[0].places(len(query))
    aligned = np.flatnonzero(place >= 0)
    assert len(aligned) > 0.6 * len(query) and (place[aligned] == aligned).all()
    strangers = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQ"
    (one, other) = find_templates(
        library, [strangers, query], threads=1, alignments=[None, alignment]
    )
    assert one == [] and other[0].name == known_chains[0].name


def test_the_command_writes_what_predict_reads(
    library, known_chains, relative, tmp_path, capsys, monkeypatch
):
    known = known_chains[0].sequence
    query, relatives = family(known, relative)
    natural = tmp_path / "natural.fasta"
    natural.write_text("".join(f">n{n}\n{row}\n" for n, row in enumerate(relatives)))
    output = tmp_path / "out" / "query.a3m"
    assert cli.main(["align", query, str(natural), "-o", str(output)]) == 0
    assert "Alignment of 19 sequences" in capsys.readouterr().out
    assert cli.main(["predict", str(output), "--library", "small"]) == 0
    said = capsys.readouterr().out
    assert "Alignment of 19 sequences" in said and f"template {known_chains[0].name}" in said


def test_several_chains_need_a_folder(tmp_path, capsys):
    chains = tmp_path / "two.fasta"
    chains.write_text(">a\nMKTAYIAKQR\n>b\nMKTAYIAKQRQ\n")
    assert cli.main(["align", str(chains), str(chains), "-o", str(tmp_path / "x.a3m")]) == 2
    assert "there are 2 chains; name a folder" in capsys.readouterr().err
