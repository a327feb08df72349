"""Residues as token ids of the built-in encoder: one token per residue, always."""

import numpy as np

from distmat.protein.sequence import ALPHABET, UNKNOWN

PAD, MASK = 0, 1
"""Ids of padding and of a residue hidden from the encoder."""

VOCABULARY = ("<pad>", "<mask>", UNKNOWN, *ALPHABET)

_ID_OF_LETTER = {letter: index for index, letter in enumerate(VOCABULARY) if len(letter) == 1}


def encode(sequence: str) -> np.ndarray:
    """Token ids of a sequence.

    Parameters
    ----------
    sequence : str
        Upper-case letters of the 20 amino acids and ``X``; length N.

    Returns
    -------
    ndarray, shape=(N,), dtype=int64
    """
    return np.array([_ID_OF_LETTER[letter] for letter in sequence], dtype=np.int64)
