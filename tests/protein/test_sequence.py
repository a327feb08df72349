"""Reading sequences: what is forgiven, what is refused, and in which words."""

import contextlib
import time

import pytest

from distmat.errors import NucleotideError, SequenceError
from distmat.protein.sequence import (
    ALPHABET,
    MAX_RESIDUES,
    Sequence,
    check_letters,
    quote,
    read_sequences,
)

LETTERS = "MKTAYIAKQRQISFVK"


@pytest.mark.parametrize(
    "text",
    [
        LETTERS,
        LETTERS.lower(),
        f"  {LETTERS}\n\n",
        "MKTAYIAK QRQISFVK",
        "MKTAYIAK\nQRQISFVK\n",
        "MKTAYIAK\r\nQRQISFVK\r\n",
        "MKTAYIAK\rQRQISFVK",
        "MKTAYIAK\t\u00a0QRQISFVK",
        f"\ufeff{LETTERS}",
    ],
    ids=[
        "plain", "lower case", "blank lines", "spaces", "lines", "CRLF", "old Mac", "tab", "BOM",
    ],
)  # fmt: skip
def test_plain_text_is_read_whatever_its_white_space(text):
    assert read_sequences(text) == [Sequence("sequence", LETTERS)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n", " \n"])
def test_fasta_records_are_named_by_their_first_word(end):
    text = end.join([">sp|P1|NAME some protein", "mkta", "YIAK", ">", "ACDX", "  >last", "GG", ""])
    assert read_sequences(text) == [
        Sequence("sp|P1|NAME", "MKTAYIAK"),
        Sequence("record 2", "ACDX"),
        Sequence("last", "GG"),
    ]


def test_every_amino_acid_and_x_are_letters():
    assert check_letters(f"{ALPHABET}X") == f"{ALPHABET}X"
    assert len(set(ALPHABET)) == 20


# What was typed, and what the one sentence must say.
BAD = {
    "empty": ("", "There is no sequence"),
    "blank": (" \n\t\r\n", "There is no sequence"),
    "only a byte order mark": ("\ufeff\n", "There is no sequence"),
    "one residue": ("M", "only 1 residue; a distance map needs at least 2"),
    "one residue in FASTA": (">a\nM\n", r"Record 1 \('a'\) has only 1 residue"),
    "no sequence": (">title alone", r"Record 1 \('title'\) has no residues"),
    "no sequence in between": (">a\nMK\n>b\n>c\nMK", r"Record 2 \('b'\) has no residues"),
    "no sequence at the end": (">a\nMK\n>b\n\n", r"Record 2 \('b'\) has no residues"),
    "no name nor sequence": (">", r"Record 1 \('record 1'\) has no residues"),
    "J": ("MKTJ", "4 is 'J', which is no amino acid; use one of ACDEFGHIKLMNPQRSTVWY, or X"),
    "J in FASTA": (">a\nMK\n>sp|P1\nMKTAYI\nJ", r"Record 2 \('sp\|P1'\), residue 7 is 'J'"),
    "small j": ("mktj", "residue 4 is 'J'"),
    "B": ("MKB", "residue 3 is 'B', which stands for D or N"),
    "Z": ("MKZ", "residue 3 is 'Z', which stands for E or Q"),
    "U": ("MKU", "residue 3 is 'U', selenocysteine.*write C"),
    "O": ("MKO", "residue 3 is 'O', pyrrolysine.*write K"),
    "stop at the end": ("MKTAYI*", r"residue 7 is '\*', which marks a stop; cut the sequence"),
    "stop inside": ("MKT*AYI", r"residue 4 is '\*'"),
    "gaps": ("MKT--AYI", "residue 4 is '-', which marks a gap"),
    "dots": ("MK..AYI", r"residue 3 is '\.', which marks a gap"),
    "numbers before lines": ("1 MKTAYI\n7 AKQRQI", "residue 1 is '1', a digit.*numbering"),
    "numbers after lines": ("MKTAYI 6\nAKQRQI 12", "residue 7 is '6', a digit"),
    "only digits": ("12345", "residue 1 is '1', a digit"),
    "an accession": ("P60568", "residue 2 is '6', a digit"),
    "comma": ("MK,TA", "residue 3 is ',', which is no amino acid"),
    "semicolon inside": ("MKTA\n; comment", "residue 5 is ';'"),
    "several chains": ("MKTA:MKTA", "residue 5 is ':', which joins several chains; give one chain"),
    "several chains in FASTA": (">a\nMKTA/MKTA", "residue 5 is '/', which joins several chains"),
    "a complex's alignment": ("#60,40\t1,1\n>101\t102\nMKTA", "several chains; give one at a time"),
    "a Stockholm file without rows": ("# STOCKHOLM 1.0\n#=GF ID x\n//", "holds no row"),
    "rows of several widths": (">a\nMK-T\n>b\nMK", r"Record 1 \('a'\), residue 3 is '-'"),
    "an alignment of nothing": (">a\n----\n>b\nMKTA", r"first row \('a'\) has no residues"),
    "three-letter names": ("Met-Lys-Thr", "residue 4 is '-'"),
    "quotes": ('"MKTA"', "residue 1 is '\"'"),
    "web page": ("<!DOCTYPE html><html><body>MKTA", "residue 1 is '<'.*web page"),
    "script": ("MK<script>alert(1)</script>", "residue 3 is '<'.*web page"),
    "record mark inside": ("MKTA>b", "residue 5 is '>', which begins a FASTA record"),
    "emoji": ("MK🧬TA", r"residue 3 is '🧬' \(U\+1F9EC\)"),
    "Greek alpha": ("MK\u0391TA", r"residue 3 is '\u0391' \(U\+0391\)"),
    "Cyrillic": ("\u0410KTA", r"residue 1 is '\u0410' \(U\+0410\)"),
    "sharp s": ("MKßA", r"residue 3 is 'ß' \(U\+00DF\)"),
    "long s": ("MK\u017fA", r"residue 3 is '\u017f'"),
    "ligature": ("MK\ufb01", r"residue 3 is '\ufb01'"),
    "full width": ("\uff2d\uff2b", r"residue 1 is '\uff2d'"),
    "NUL": ("MK\0TA", r"residue 3 is '\\x00'"),
    "escape sequence": ("MK\x1b[31mTA", r"residue 3 is '\\x1b'"),
    "bell": ("MKTA\a", r"residue 5 is '\\x07'"),
    "zero width space": ("MK\u200bTA", r"residue 3 is '\\u200b'"),
    "soft hyphen": ("MK\u00adTA", r"residue 3 is '\\xad'"),
    "right to left mark": ("MK\u202eTA", r"residue 3 is '\\u202e'"),
    "Hebrew": ("MK\u05d0TA", r"residue 3 is '\\u05d0'"),
    "lone surrogate": ("MK\ud800TA", r"residue 3 is '\\ud800'"),
    "binary": ("\x7fELF\x02\x01", r"residue 1 is '\\x7f'"),
    "JSON": ('{"sequence": "MKTA"}', r"residue 1 is '\{'"),
    "too long": ("A" * (MAX_RESIDUES + 1), "has 10,001 letters, and 10,000 is the most"),
    "a million": ("ACDEFGHIKL" * 100_000, "has 1,000,000 letters"),
    "a record too long": (f">a\nMK\n>b\n{'A' * 20_000}", r"Record 2 \('b'\) has 20,000 letters"),
    "hostile name": (">\x1b[2J\u202eevil\nMJ", r"Record 1 \('\\x1b\[2J\\u202eevil'\), residue 2"),
}  # fmt: skip


QUERY = "MKTAYIAKQRQISFVK"
ALIGNMENTS = {
    "A3M": f">q\n{QUERY}\n>b\nMK-AYIAKaaQRQISF-K\n>c\n----YIAKQRQISFVK\n",
    "A3M with the query's insertions": f">q\n{QUERY[:4]}gg{QUERY[4:]}\n>b\nMK-AYIAKQRQISFVK\n",
    "A2M": f">q\n{QUERY[:8]}..{QUERY[8:]}\n>b\nMK-AYIAKaaQRQISF-K\n",
    "aligned FASTA": ">q\nMKTA--YIAKQRQISFVK\n>b\nMKTAGGYIAKQRQ-SFVK\n",
    "aligned FASTA in small letters": ">q\nmkta--yiakqrqisfvk\n>b\nmktaggyiakqrq-sfvk\n",
    "HH-suite's annotation": f">ss_pred x\nCCHHHHHHHHHHHHCC\n>q\n{QUERY}\n>b\nMK-AYIAKQRQISFVK\n",
    "ColabFold's first line": f"#16\t1\n>q\n{QUERY}\n>b\nMK-AYIAKQRQISFVK\n",
}


@pytest.mark.parametrize("text", ALIGNMENTS.values(), ids=ALIGNMENTS)
def test_of_an_alignment_the_first_row_is_read_and_that_is_said(text):
    (query,) = read_sequences(text)
    assert (query.name, query.letters) == ("q", QUERY)
    assert (
        query.note.startswith("This is the first of the ") and "rows of an alignment" in query.note
    )
    assert ("the 2 lower-case letters" in query.note) == ("gg" in text and "q\nMKTAgg" in text)


def test_records_of_one_length_without_gaps_are_no_alignment():
    assert [one.name for one in read_sequences(">a\nMKTA\n>b\nMKTG")] == ["a", "b"]
    (query,) = read_sequences(">a\nMKTA\n>b\nMKTG", alignment=True)
    assert query.name == "a"


def test_comments_of_pearsons_format_are_passed_over():
    expected = [Sequence("x", "MKTAYIAK"), Sequence("y", "MKTG")]
    assert read_sequences(";comment\n>x\nMKTA\n; another\nYIAK\n>y\nMKTG") == expected
    assert read_sequences(";x first\n;comment\nMKTA\nYIAK\n;y\nMKTG") == expected


DNA = "ATGAAAACCGCGTATATTGCGAAACAGCGTCAGATTAGCTTT"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (DNA, "The sequence has 42 letters, all of them A, C, G, T: that is DNA and no protein"),
        (f">gene\n{DNA.lower()}", r"Record 1 \('gene'\) has 42 letters.*DNA.*translate it first"),
        (DNA.replace("T", "U"), "that is RNA and no protein"),
        (f"{DNA[:30]}NNNNN{DNA[30:]}", "that is DNA"),
    ],
    ids=["DNA", "a gene", "RNA", "unknown bases"],
)
def test_nucleotides_are_refused_unless_a_person_says_that_they_are_amino_acids(text, words):
    with pytest.raises(NucleotideError, match=words):
        read_sequences(text)
    if "U" not in text:
        (one,) = read_sequences(text, amino_acids=True)
        assert set(one.letters) <= set("ACGTN")


@pytest.mark.parametrize("letters", ["GATTACA", "A" * 40, "AATAATAATAATAATAATAAT", f"{DNA}M"])
def test_what_could_be_a_protein_is_read_as_one(letters):
    assert read_sequences(letters) == [Sequence("sequence", letters)]


@pytest.mark.parametrize(("text", "expected"), BAD.values(), ids=BAD.keys())
def test_anything_else_is_one_printable_sentence(text, expected):
    with pytest.raises(SequenceError, match=expected) as caught:
        read_sequences(text)
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert sentence.endswith(".")
    assert len(sentence) < 300


def test_the_longest_sequence_is_read():
    assert len(read_sequences("A" * MAX_RESIDUES)[0]) == MAX_RESIDUES


@pytest.mark.parametrize(
    "text",
    [
        "A" * 10**6,
        ">a\n" + "MKTAYIAKQR\n" * 10**5,
        ">a\n" + "\n" * 10**6 + "MK",
        ">a\n" + " " * 10**6 + "MK",
        ">" * 10**5 + "\nMK",
        ">a\nMK\n" * 10**5,
        "\n" * 10**6,
    ],
    ids=["letters", "lines", "blank lines", "blanks", "marks", "records", "nothing"],
)
def test_a_million_characters_take_no_longer_than_they_must(text):
    start = time.perf_counter()
    with contextlib.suppress(SequenceError):
        read_sequences(text)
    # A quadratic reader would need hours.
    assert time.perf_counter() - start < 30


def test_what_is_quoted_is_cut_short_and_inert():
    assert quote("abc") == "'abc'"
    assert quote("a" * 1000) == f"'{'a' * 40}'"
    assert quote("a\nb") == r"'a\nb'"
