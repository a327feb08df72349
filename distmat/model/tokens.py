"""Residues as token ids of an encoder: one token per residue, always, and checked.

Byte-pair tokenizers would silently join neighbouring residues; so letters are looked up one
by one, and what an encoder wants around them (ESM's <cls> and <eos>) is added inside the
network.
"""

from collections.abc import Callable
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

_PATIENCE = 10.0
"""Seconds to wait for the hub's first answer."""

_ESM_ORDER = "LAGVSERTIDPKQNFYMHWCX"
"""Letters of ESM-2's vocabulary from id 4 on (Lin et al., Science 379, 2023)."""


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
    source : transformers tokenizer, optional
        Where these ids come from, with its files.
    byte_pairs : bool
        Whether `encode` joins residues as `source` does; only for published checkpoints,
        which were trained so.
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


def tokenizer_for(encoder: Any) -> ResidueTokenizer:
    """The tokenizer that goes with an encoder.

    Parameters
    ----------
    encoder : str or DistanceNetworkConfig
        A hub name, a local folder, or ``"mini"``; or a network's config.

    Raises
    ------
    CheckpointError
        If there is no such tokenizer, or it has no token for one of the letters.
    """
    if isinstance(encoder, str):
        return _named(encoder)
    if encoder.tokens:
        return ResidueTokenizer.from_dict(encoder.tokens)
    if encoder.pretrained and encoder.encoder_name != "mini":
        return _named(encoder.encoder_name)
    return _for_shape(encoder.encoder)


def _named(name: str) -> ResidueTokenizer:
    from distmat.model.encoder import checkpoint_folder

    if name == "mini":
        return mini_tokenizer()
    folder = checkpoint_folder(name)
    if folder is not None:
        from distmat.model.checkpoint import read_network_config

        return tokenizer_for(read_network_config(folder))
    from transformers import AutoTokenizer

    try:
        source = from_disk_or_hub(AutoTokenizer.from_pretrained, name)
    # What the hub's client, a damaged file or transformers' classes raise is of any kind; nothing
    # of ours is run here.
    except Exception as error:
        raise CheckpointError(
            f"The tokenizer of the encoder '{name}' can't be loaded "
            f"({first_line(error)}); check the name or the folder, and the connection."
        ) from None
    return residue_tokenizer(source, name)


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


def _for_shape(config: Any) -> ResidueTokenizer:
    """For an encoder of random weights, whose shape is all there is of it."""
    if config.model_type == "distmat-mini":
        return mini_tokenizer()
    if config.model_type == "esm":
        letters = {letter: 4 + index for index, letter in enumerate(_ESM_ORDER)}
        return ResidueTokenizer(letters, 1, 32, 3, before=0, after=2)
    last = config.vocab_size - 1
    letters = {letter: index for index, letter in enumerate(LETTERS)}
    return ResidueTokenizer(letters, last, last - 1, last - 1)


def _first(*ids: int | None) -> Any:
    return next((index for index in ids if index is not None), None)


def from_disk_or_hub(load: Callable[..., Any], name: str, **options: Any) -> Any:
    """Load by name from a folder or the hub's cache, and only then over the network.

    Code that comes with a model is never run.

    Raises
    ------
    OSError
        If it is in none of these places, or the hub can't be reached; whatever `load` raises.
    """
    options["trust_remote_code"] = False
    is_place = Path(name).exists() or Path(name).is_absolute()
    # Of what isn't there transformers asks the hub's client for adapters, and that tries six times.
    if is_place or _is_cached(name):
        try:
            return load(name, local_files_only=True, **options)
        except (OSError, ValueError):
            if is_place:
                raise
    _ask_hub()
    return load(name, **options)


def _is_cached(name: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    try:
        return isinstance(try_to_load_from_cache(name, "config.json"), str)
    # No name that the hub could have.
    except ValueError:
        return False


def _ask_hub() -> None:
    # Without a connection the hub's client would try again and again, for half a minute.
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=_PATIENCE)
    # Whatever kind of client it is and whatever it lacks, the hub isn't there; nothing of ours is
    # run here.
    except Exception as error:
        raise OSError(
            f"it is neither in a folder nor in the hub's cache, and {constants.ENDPOINT} can't "
            "be reached"
        ) from error


def first_line(error: Exception) -> str:
    """What an error says first, for a sentence of ours."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
