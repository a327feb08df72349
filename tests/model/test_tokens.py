"""One token per residue, in every encoder."""

import huggingface_hub
import numpy as np
import pytest

from distmat.errors import CheckpointError
from distmat.model.build import build_network
from distmat.model.hub import from_disk_or_hub
from distmat.model.network import DistanceNetworkConfig
from distmat.model.source import tokenizer_for
from distmat.model.tokens import (
    LETTERS,
    ResidueTokenizer,
    residue_tokenizer,
)

from .tiny_encoders import letter_pairs_tokenizer, tiny_config, write_encoder


@pytest.mark.parametrize("kind", ["qwen2", "esm", "esmc"])
def test_each_letter_gets_the_token_that_the_encoders_own_tokenizer_gives_it_alone(tmp_path, kind):
    from transformers import AutoTokenizer

    tokens = tokenizer_for(str(write_encoder(kind, tmp_path)))
    source = AutoTokenizer.from_pretrained(tmp_path)
    for letter in LETTERS:
        (expected,) = source(letter, add_special_tokens=False)["input_ids"]
        assert tokens.encode(letter).tolist() == [expected]


def test_byte_pairs_are_not_joined():
    source = letter_pairs_tokenizer()
    assert len(source("ALGSKT")["input_ids"]) == 3
    encoded = residue_tokenizer(source, "tiny").encode("ALGSKT")
    assert encoded.shape == (6,) and encoded.dtype == np.int64


def test_esm_wants_special_tokens_around_a_chain_and_a_causal_model_none(tmp_path):
    esm = tokenizer_for(str(write_encoder("esm", tmp_path / "esm")))
    assert (esm.before, esm.after, esm.pad, esm.mask) == (0, 2, 1, 32)
    qwen = tokenizer_for(str(write_encoder("qwen2", tmp_path / "qwen2")))
    assert qwen.before is None and qwen.after is None


def test_a_tokenizer_without_a_residues_letter_is_refused_by_naming_it():
    source = letter_pairs_tokenizer(without="W")
    with pytest.raises(CheckpointError, match=r"'tiny' has no token of its own .* 'W'"):
        residue_tokenizer(source, "tiny")


@pytest.mark.parametrize("kind", ["mini", "esm", "esmc", "qwen2"])
def test_an_encoder_of_random_weights_has_tokens_too_all_different_and_inside_its_vocabulary(kind):
    config = tiny_config(kind)
    tokens = tokenizer_for(DistanceNetworkConfig(encoder=config, encoder_name="not/there"))
    ids = tokens.encode(LETTERS).tolist()
    assert len(set(ids)) == len(LETTERS)
    assert max(*ids, tokens.pad, tokens.mask, tokens.placeholder) < config.vocab_size


def test_tokens_survive_a_networks_config():
    tokens = residue_tokenizer(letter_pairs_tokenizer(), "tiny")
    again = ResidueTokenizer.from_dict(tokens.as_dict())
    assert again == tokens


def test_an_encoder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"nowhere.*check the name or the folder"):
        tokenizer_for(str(tmp_path / "nowhere"))


def test_tokenizer_files_are_written_where_there_are_any(tmp_path):
    tokenizer_for(str(write_encoder("qwen2", tmp_path / "base"))).save(tmp_path / "out")
    assert (tmp_path / "out" / "tokenizer.json").is_file()
    config = DistanceNetworkConfig(encoder_name=str(tmp_path / "base"))
    build_network(config).tokens.save(tmp_path / "run")
    assert (tmp_path / "run" / "tokenizer.json").is_file()
    tokenizer_for("mini").save(tmp_path / "mini")
    assert not (tmp_path / "mini").exists()


def test_without_a_network_the_hub_is_asked_once_and_not_for_long(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:1")
    asked = []

    def load(name, **options):
        asked.append(options)
        raise OSError("not in the cache")

    with pytest.raises(OSError, match=r"nor in the hub's cache, and http://127\.0\.0\.1:1 can't"):
        from_disk_or_hub(load, "nobody/nothing")
    assert not asked
