"""Encoders: a sequence of tokens in, one state per residue out.

Any transformers model with `last_hidden_state` and one token per residue will do: causal
language models such as Qwen2.5 and Qwen3, ESM-2, and the built-in mini. Which residue
stands where in what the encoder reads is kept here, and nowhere else. Shapes: B batch,
L residues, T tokens, D width of a state.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from distmat.errors import ConfigError
from distmat.model.encoders import kind_of
from distmat.model.tokens import ResidueTokenizer, first_line

_WIDEST = 2**22
"""Channels of a state, or tokens, at most."""


@dataclass(frozen=True)
class EncoderOutput:
    """What an encoder says of a batch of chains, and what a head is called with.

    Parameters
    ----------
    states : Tensor, shape=(B, L, D)
        Of the residues; of the tokens, where these are byte pairs.
    mask : Tensor, shape=(B, L), dtype=bool
        False on padding.
    answered : Tensor, shape=(B, L), dtype=bool, or None
        True for each residue that there is a placeholder for.
    placeholders, pooled : Tensor, shape=(B, L, D) and (B, 1, D), or None
        States of the placeholders that follow a chain, one for each residue, and the largest
        value of each channel over the residues; None unless they were asked for.
    """

    states: torch.Tensor
    mask: torch.Tensor
    answered: torch.Tensor | None = None
    placeholders: torch.Tensor | None = None
    pooled: torch.Tensor | None = None

    def of(self, shown_BS: torch.Tensor) -> "EncoderOutput":
        """Of some residues alone; shape=(B, S), dtype=int64, −1 on padding."""
        index_BSD = shown_BS.clamp(min=0)[..., None].expand(-1, -1, self.states.shape[-1])
        return EncoderOutput(self.states.gather(1, index_BSD), shown_BS >= 0)

    def to(self, dtype: torch.dtype) -> "EncoderOutput":
        """The same with states of another number format."""
        states = (self.states, self.placeholders, self.pooled)
        cast = [None if each is None else each.to(dtype) for each in states]
        return EncoderOutput(cast[0], self.mask, self.answered, cast[1], cast[2])  # type: ignore


def run_encoder(
    encoder: nn.Module,
    tokens: ResidueTokenizer,
    input_ids_BL: torch.Tensor,
    mask_BL: torch.Tensor,
    residues_BL: torch.Tensor | None = None,
) -> EncoderOutput:
    """Let an encoder read a batch, with the special tokens it is used to.

    Parameters
    ----------
    encoder : Module
    tokens : ResidueTokenizer
    input_ids_BL : Tensor, shape=(B, L), dtype=int64
        Padded on the right.
    mask_BL : Tensor, shape=(B, L), dtype=bool
    residues_BL : Tensor, shape=(B, residues), dtype=bool, optional
        True for each residue: as many placeholders follow the chain.
    """
    if residues_BL is None and tokens.before is None and tokens.after is None:
        states_BLD = _states(encoder, input_ids_BL, mask_BL)
        return EncoderOutput(states_BLD, mask_BL)
    first = 0 if tokens.before is None else 1
    ids_BT, mask_BT, answers_BL = _pack(tokens, input_ids_BL, mask_BL, residues_BL)
    states_BTD = _states(encoder, ids_BT, mask_BT)
    states_BLD = states_BTD[:, first : first + input_ids_BL.shape[1]]
    if residues_BL is None:
        return EncoderOutput(states_BLD, mask_BL)
    hidden_BLD = states_BLD.masked_fill(~mask_BL[..., None], torch.finfo(states_BTD.dtype).min)
    index_BLD = answers_BL[..., None].expand(-1, -1, states_BTD.shape[-1])
    return EncoderOutput(
        states_BLD,
        mask_BL,
        residues_BL,
        states_BTD.gather(1, index_BLD),
        hidden_BLD.amax(dim=1, keepdim=True),
    )


def _pack(
    tokens: ResidueTokenizer,
    input_ids_BL: torch.Tensor,
    mask_BL: torch.Tensor,
    residues_BL: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Special tokens, residues and placeholders of each row, with no padding between them.

    Returns
    -------
    ids, mask : Tensor, shape=(B, T)
    answers : Tensor, shape=(B, L), dtype=int64
        Where each placeholder stands.
    """
    if residues_BL is None:
        residues_BL = mask_BL[:, :0]
    first, last = tokens.before is not None, tokens.after is not None
    before, after = (tokens.pad if i is None else i for i in (tokens.before, tokens.after))
    known_B1 = mask_BL.sum(dim=1, keepdim=True)
    asked_B1 = residues_BL.sum(dim=1, keepdim=True)
    total = int(first) + mask_BL.shape[1] + residues_BL.shape[1] + int(last)
    place_1T = torch.arange(total, device=input_ids_BL.device)[None] - int(first)
    inside_BT = place_1T.clamp(0, mask_BL.shape[1] - 1).expand(len(mask_BL), -1)
    ids_BT = input_ids_BL.gather(1, inside_BT)
    ids_BT = torch.where(place_1T < known_B1, ids_BT, tokens.placeholder)
    end_B1 = known_B1 + asked_B1
    ids_BT = torch.where(place_1T < end_B1, ids_BT, after)
    ids_BT = torch.where(place_1T > end_B1, tokens.pad, ids_BT)
    if first:
        ids_BT = torch.where(place_1T < 0, before, ids_BT)
    answers_BL = torch.arange(residues_BL.shape[1], device=mask_BL.device)[None] + known_B1
    answers_BL = (answers_BL + int(first)).clamp(max=total - 1)
    return ids_BT, place_1T < end_B1 + int(last), answers_BL


def _states(encoder: nn.Module, ids_BT: torch.Tensor, mask_BT: torch.Tensor) -> torch.Tensor:
    return encoder(input_ids=ids_BT, attention_mask=mask_BT.long()).last_hidden_state


def config_from_dict(content: dict[str, Any]) -> Any:
    """The shape of an encoder, from what `distmat.model.schema.check_encoder` let pass.

    Raises
    ------
    ConfigError
        If there is no such kind, or its class doesn't take the values.
    """
    settings = {name: value for name, value in content.items() if not name.startswith("_")}
    model_type = settings.pop("model_type")
    kind = kind_of(model_type)
    try:
        config = kind.read_config(model_type, settings)
    # Each kind's class checks its values in a way of its own; only its code runs here.
    except Exception as error:
        raise ConfigError(f"encoder: {first_line(error)}") from None
    for name in ("hidden_size", "vocab_size"):
        value = getattr(config, name, None)
        if type(value) is not int or not 1 <= value <= _WIDEST:
            raise ConfigError(f"encoder: {name} is {repr(value)[:40]}")
    return config


def is_causal(config: Any) -> bool:
    """Whether a residue's state knows only what comes before it, unless told otherwise."""
    return kind_of(config.model_type).is_causal(config)


def encoder_of_shape(config: Any) -> Any:
    """An encoder of random weights, drawn from PyTorch's generator."""
    return kind_of(config.model_type).build(config)


def make_seeded_encoder(config: Any, seed: int) -> Any:
    """An encoder of random weights that the seed alone decides, so that it can be made again."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return encoder_of_shape(config)


def attend_both_ways(encoder: Any) -> None:
    """Let every residue of a causal model see what follows it, too."""
    # The config decides the mask; the layers', what is done where no mask is needed.
    encoder.config.is_causal = False
    for module in encoder.modules():
        if hasattr(module, "is_causal"):
            module.is_causal = False


def fingerprint(encoder: nn.Module) -> str:
    """A digest of an encoder's own weights, without adapters, by the first values of each.

    It tells another base, or a changed one, from the one that adapters were trained on; to
    read every weight would take seconds. Matrices of linear layers are left out, for they may
    be held in 4 bits. Empty for an encoder without weights, on PyTorch's meta device.
    """
    digest = hashlib.sha256()
    linear = {
        f"{name}.weight" for name, part in encoder.named_modules() if isinstance(part, nn.Linear)
    }
    for name, weight in sorted(encoder.named_parameters()):
        if weight.is_meta:
            return ""
        if name not in linear:
            # In bfloat16, for the same base may be held in it or in float32.
            first = weight.detach().flatten()[:64].to("cpu", torch.bfloat16).float()
            digest.update(f"{name} {tuple(weight.shape)} {first.tolist()}".encode())
    return digest.hexdigest()[:16]
