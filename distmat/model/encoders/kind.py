"""What the house asks of a kind of encoder."""

from typing import Any

from distmat.errors import ConfigError
from distmat.model.encoders.shape import EncoderShape
from distmat.model.tokens import LETTERS, ResidueTokenizer


class EncoderKind:
    """One kind of encoder; what isn't overridden is that of causal language models.

    A kind with a name in `ENCODERS` is made from its config alone, without a download. Either
    its config is a `PreTrainedConfig` that its module registers with transformers' `AutoConfig`
    and `AutoModel` when it is imported; or the kind says itself how config and model are made,
    by `read_config`, `build` and `is_causal`. A config has `model_type`, `hidden_size`,
    `vocab_size` and `to_dict`. The model is called with `input_ids` and `attention_mask`,
    shape=(B, T), gives `last_hidden_state`, and has `get_input_embeddings`.

    Attributes
    ----------
    label : str
        What it is, for a person.
    model_type : str
        Of transformers.
    kept_per_attention : float
        Bytes kept of each pair of tokens in each head and layer; attention that is fused keeps
        none.
    """

    label = ""
    model_type = ""
    kept_per_attention = 0.0

    def config(self, settings: Any) -> Any:
        """Its transformers config, as a run's settings shape it."""
        raise ConfigError(f"An encoder of kind '{self.model_type}' needs the name of a model.")

    def shape(self, settings: Any) -> EncoderShape | None:
        """What `config` would describe, if that can be told without PyTorch."""
        return None

    def read_config(self, model_type: str, content: dict[str, Any]) -> Any:
        """The config that a checkpoint holds."""
        from distmat.model.pretrained import make_config

        return make_config(model_type, content)

    def build(self, config: Any) -> Any:
        """An encoder of random weights, drawn from PyTorch's generator."""
        from distmat.model.pretrained import make_encoder

        return make_encoder(config)

    def is_causal(self, config: Any) -> bool:
        """Whether a residue's state knows only what comes before it, unless told otherwise."""
        from distmat.model.pretrained import is_causal_model

        return is_causal_model(config)

    def tokens(self, config: Any) -> ResidueTokenizer:
        """Token ids for an encoder of random weights, whose config is all there is of it."""
        last = config.vocab_size - 1
        letters = {letter: index for index, letter in enumerate(LETTERS)}
        return ResidueTokenizer(letters, last, last - 1, last - 1)

    def linear_layers(self, shape: EncoderShape) -> list[tuple[int, int]]:
        """Inputs and outputs of each linear layer of one of its layers."""
        d, i = shape.hidden_size, shape.intermediate
        return [*self._attention(shape), (d, i), (d, i), (i, d)]

    def _attention(self, shape: EncoderShape) -> list[tuple[int, int]]:
        d, keys = shape.hidden_size, shape.key_width
        return [(d, shape.query_width), (d, keys), (d, keys), (shape.query_width, d)]


class EsmKind(EncoderKind):
    """ESM-2."""

    label = "a protein language model"
    model_type = "esm"
    kept_per_attention = 12.0

    def tokens(self, config: Any) -> ResidueTokenizer:
        """See `EncoderKind`."""
        letters = {letter: 4 + index for index, letter in enumerate(_ESM_ORDER)}
        return ResidueTokenizer(letters, 1, 32, 3, before=0, after=2)

    def linear_layers(self, shape: EncoderShape) -> list[tuple[int, int]]:
        """See `EncoderKind`."""
        d, i = shape.hidden_size, shape.intermediate
        return [*self._attention(shape), (d, i), (i, d)]


class EsmCKind(EsmKind):
    """ESM C, whose 33 tokens are ESM-2's but for a chain break, and whose layers are gated."""

    label = "a protein language model"
    model_type = "esmc"
    kept_per_attention = 0.0

    def linear_layers(self, shape: EncoderShape) -> list[tuple[int, int]]:
        """See `EncoderKind`."""
        return EncoderKind.linear_layers(self, shape)


_ESM_ORDER = "LAGVSERTIDPKQNFYMHWCX"
"""Letters of ESM-2's vocabulary from id 4 on (Lin et al., Science 379, 2023)."""
