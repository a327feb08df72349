"""Residues as token ids of an encoder: one token per residue, always, and checked.

Byte-pair tokenizers would silently join neighbouring residues; so letters are looked up one
by one, and what an encoder wants around them (ESM's <cls> and <eos>) is added inside the
network.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from distmat.errors import CheckpointError
from distmat.protein.sequence import ALPHABET, UNKNOWN

PAD, MASK = 0, 1
"""Ids of the built-in encoder for padding and for a residue hidden from it."""

VOCABULARY = ("<pad>", "<mask>", UNKNOWN, *ALPHABET)

LETTERS = UNKNOWN + ALPHABET
"""What a chain may hold, and every encoder must have a token for."""


@dataclass(frozen=True)
class ResidueTokenizer:
    """Token ids of one encoder.

    Parameters
    ----------
    letters : dict of str to int
        Id of each of `LETTERS`.
    pad, mask, placeholder : int
        Of padding, of a residue hidden from the encoder, and of a place for a head's answer.
    before, after : int or None
        Special tokens that the encoder is used to see around a chain.
    byte_pairs : bool
        Whether `encode` joins residues as `source` does; only for published checkpoints,
        which were trained so.
    source : transformers tokenizer, optional
        Where these ids come from, with its files.
    """

    letters: dict[str, int]
    pad: int
    mask: int
    placeholder: int
    before: int | None = None
    after: int | None = None
    byte_pairs: bool = False
    source: Any = field(default=None, compare=False, repr=False)

    def encode(self, sequence: str) -> np.ndarray:
        """Token ids of a sequence.

        Parameters
        ----------
        sequence : str
            Upper-case letters of the 20 amino acids and ``X``; length N.

        Returns
        -------
        ndarray, shape=(N,), dtype=int64
            Fewer than N if `byte_pairs`.
        """
        if self.byte_pairs:
            return np.array(self.source(sequence)["input_ids"], dtype=np.int64)
        return np.array([self.letters[letter] for letter in sequence], dtype=np.int64)

    def as_dict(self) -> dict:
        """For a network's config."""
        names = ("letters", "pad", "mask", "placeholder", "before", "after")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_dict(cls, content: dict) -> "ResidueTokenizer":
        """The inverse of `as_dict`."""
        return cls(**content)

    def save(self, folder: Path) -> None:
        """Write the tokenizer's files, if it has any; the built-in encoder's has none."""
        if self.source is not None:
            self.source.save_pretrained(folder)


def mini_tokenizer() -> ResidueTokenizer:
    """That of the built-in encoder."""
    letters = {letter: index for index, letter in enumerate(VOCABULARY) if len(letter) == 1}
    return ResidueTokenizer(letters, PAD, MASK, MASK)


def encode(sequence: str) -> np.ndarray:
    """Token ids of a sequence for the built-in encoder; shape=(N,), dtype=int64."""
    return mini_tokenizer().encode(sequence)


def residue_tokenizer(source: Any, name: str) -> ResidueTokenizer:
    """Look up one token per letter in a transformers tokenizer, and check each.

    Raises
    ------
    CheckpointError
        If a letter has no token of its own.
    """
    ids = source.convert_tokens_to_ids(list(LETTERS))
    for letter, index in zip(LETTERS, ids, strict=True):
        if index is None or index == source.unk_token_id or ids.count(index) > 1:
            raise CheckpointError(
                f"The encoder '{name}' has no token of its own for the residue '{letter}'; "
                "choose an encoder whose tokenizer knows single letters."
            )
    unknown = _unknown_id(source)
    pad = _first(source.pad_token_id, source.eos_token_id, unknown)
    if pad is None:
        raise CheckpointError(
            f"The tokenizer of '{name}' has no padding, end or unknown token; choose another."
        )
    mask = _first(source.mask_token_id, unknown, pad)
    # A causal language model has no token before and after a chain; ESM has.
    wrapped = source.cls_token_id is not None and source.mask_token_id is not None
    return ResidueTokenizer(
        dict(zip(LETTERS, ids, strict=True)),
        pad,
        mask,
        _first(unknown, pad),
        source.cls_token_id if wrapped else None,
        _first(source.eos_token_id, source.sep_token_id) if wrapped else None,
        source=source,
    )


def _unknown_id(source: Any) -> int | None:
    """The published scripts' placeholder: the token <unk> if there is one, else the unknown's."""
    if "<unk>" in source.get_vocab():
        return source.convert_tokens_to_ids("<unk>")
    return source.unk_token_id


def _first(*ids: int | None) -> Any:
    return next((index for index in ids if index is not None), None)


def first_line(error: Exception) -> str:
    """What an error says first, for a sentence of ours."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
