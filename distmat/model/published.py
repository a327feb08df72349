"""Checkpoints as the published training scripts write them, opened for prediction.

    model.pt               state of the whole network: Qwen2 wrapped by peft, and the head
    training_config.json   name of the base, longest chain, rank and alpha of the adapters
    tokenizer files

The second script's head is named `dist_proj.U` and `dist_head`, the first one's
`coord_proj.U` and `coord_head`. Both let the tokenizer join residues to byte pairs, and so
does a checkpoint of theirs when it is opened here. The adapters are added into the weights.
transformers is imported where such a checkpoint is opened, for to ask for one happens always.
"""

import re
from pathlib import Path
from typing import Any

import torch

from distmat.documents import read_json
from distmat.errors import CheckpointError, ConfigError
from distmat.model.encoder import config_from_dict
from distmat.model.network import DistanceNetwork, DistanceNetworkConfig
from distmat.model.schema import PublishedSettings, SchemaError, check_encoder, read_checked
from distmat.model.soundness import try_out, weightless_network
from distmat.model.tokens import ResidueTokenizer, first_line
from distmat.model.undrawn import UndrawnWeights
from distmat.protein.sequence import quote

CONFIG = "training_config.json"
WEIGHTS = ("model.pt", "pytorch_model.bin")

_LAYER = re.compile(r"^(?:module\.)?base_model\.(?:base_model\.model\.)?(?:model\.)?(.+)$")
_HEADS = {
    "dist_proj.U.": "attention.scores.",
    "dist_head.": "distance.",
    "coord_proj.U.": "attention.scores.",
    "coord_head.": "coordinates.",
}
_NOT_NEEDED = ("lm_head.", "rotary_emb.inv_freq")
_MOST_LAYERS = 1024
_FOUR_BIT = (".absmax", ".quant_map", ".quant_state", ".nested_absmax", ".nested_quant_map")


def is_published(folder: Path) -> bool:
    """Whether a folder is one of theirs: their config and weights, and none of ours."""
    folder = Path(folder)
    ours = (folder / "distmat.json").is_file()
    return not ours and _weights(folder) is not None and _config_path(folder) is not None


def read_published(folder: Path) -> DistanceNetwork:
    """Open a published checkpoint; its weights are unpickled as tensors alone.

    Raises
    ------
    CheckpointError
        If a file is missing or damaged, or a weight has a name or a shape that doesn't fit.
    """
    folder = Path(folder)
    settings = _settings(folder)
    state = _state(folder)
    encoder, adapters, head = _sort_weights(state, folder)
    merged = _merge_adapters(encoder, adapters, settings, folder)
    kind = "coordinates" if any("coordinates" in key for key in head) else "placeholder"
    config = DistanceNetworkConfig(
        encoder=_shape(settings.model_name, folder, merged),
        encoder_name=settings.model_name,
        head_kind=kind,
        head={"max_length": settings.max_seq_len},
        loss_settings={"scaling": "own_maximum"} if kind == "placeholder" else {},
        max_trained_length=settings.max_seq_len,
    )
    tokens = _tokens(folder)
    config.tokens = tokens.as_dict()
    network = weightless_network(config, folder)
    own = {f"encoder.{key}": value for key, value in merged.items()}
    own |= {f"head.{key}": value for key, value in head.items()}
    _check_fit(network, own, folder)
    # Of half a billion weights, none is drawn, and none is held twice.
    with UndrawnWeights():
        network = DistanceNetwork(config)
    network.load_state_dict(own, assign=True)
    network.tokens = tokens
    try_out(network, folder)
    return network.eval()


def _settings(folder: Path) -> PublishedSettings:
    try:
        settings = read_checked(PublishedSettings, _config_path(folder) or folder / CONFIG)
    except (OSError, SchemaError) as error:
        raise CheckpointError(
            f"The {CONFIG} of the published checkpoint {folder} can't be read "
            f"({first_line(error)}); copy it again."
        ) from None
    method = settings.norm_config.norm_method if settings.norm_config else "log_scale"
    if method != "log_scale":
        raise CheckpointError(
            f"The published checkpoint {folder} was trained on distances normalised by "
            f"{quote(method)}; only 'log_scale' can be turned back into Å."
        )
    return settings


def _state(folder: Path) -> dict[str, torch.Tensor]:
    path = _weights(folder)
    try:
        state = torch.load(path or folder, map_location="cpu", weights_only=True, mmap=True)
    # A damaged or a hostile file makes PyTorch's reader raise anything; nothing of ours is run
    # here, and nothing of the file.
    except Exception as error:
        raise CheckpointError(
            f"The weights {path} can't be read as tensors ({first_line(error)}); copy them again."
        ) from None
    if not isinstance(state, dict):
        raise CheckpointError(f"{path} holds no weights by name; copy it again.")
    tensors = {str(key): value for key, value in state.items() if torch.is_tensor(value)}
    for name, value in tensors.items():
        if value.layout != torch.strided or value.nbytes > value.untyped_storage().nbytes():
            raise CheckpointError(
                f"{path} holds a weight {quote(name, 200)} that is larger than what is stored of "
                "it; copy it again."
            )
    return tensors


def _sort_weights(
    state: dict[str, torch.Tensor], folder: Path
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Weights of the encoder, of its adapters and of the head, by the names they have here."""
    encoder, adapters, head = {}, {}, {}
    for key, value in state.items():
        plain = key.removeprefix("module.")
        theirs = next((name for name in _HEADS if plain.startswith(name)), None)
        match = _LAYER.match(key)
        if any(mark in key for mark in _FOUR_BIT):
            raise CheckpointError(
                f"The published checkpoint {folder} holds 4-bit weights, see {key}; only one that "
                "was trained without use_4bit can be opened."
            )
        if theirs is not None:
            head[_HEADS[theirs] + plain.removeprefix(theirs)] = value.float()
        elif match is None:
            raise CheckpointError(
                f"The published checkpoint {folder} holds a weight named '{key}', which neither "
                "its encoder nor its head has; give a folder that the published script wrote."
            )
        elif ".lora_" in key:
            adapters[match[1]] = value.float()
        elif not match[1].startswith(_NOT_NEEDED[0]) and not match[1].endswith(_NOT_NEEDED[1]):
            encoder[match[1].replace(".base_layer.", ".")] = value.float()
    return encoder, adapters, head


def _merge_adapters(
    encoder: dict[str, torch.Tensor],
    adapters: dict[str, torch.Tensor],
    settings: PublishedSettings,
    folder: Path,
) -> dict[str, torch.Tensor]:
    """The encoder's weights W with their adapters added, ``W + alpha / rank · B A``."""
    scale = settings.lora_alpha / settings.lora_rank
    for name, down in adapters.items():
        if ".lora_A." not in name:
            continue
        target = name.partition(".lora_A.")[0] + ".weight"
        up = adapters.get(name.replace(".lora_A.", ".lora_B."))
        if target not in encoder or up is None:
            raise CheckpointError(
                f"The published checkpoint {folder} holds an adapter {name} without the weight "
                "that it belongs to; copy it again."
            )
        if (
            up.shape[0:1] + down.shape[1:] != encoder[target].shape
            or up.shape[1:] != down.shape[:1]
        ):
            raise CheckpointError(
                f"The published checkpoint {folder} holds an adapter {name} that doesn't fit the "
                "weight that it belongs to; copy it again."
            )
        encoder[target] = encoder[target] + scale * (up @ down)
    return encoder


def _shape(name: str, folder: Path, encoder: dict[str, torch.Tensor]) -> Any:
    """Of the base: from a config in the folder, from disk by its name, or from its weights."""
    for place in (folder / "config.json", Path(name) / "config.json"):
        try:
            if place.is_file():
                content = read_json(place)
                check_encoder(content)
                return config_from_dict(content)
        # Not there, or of no use; the weights know the rest.
        except (OSError, ValueError, ConfigError):
            continue
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(name, local_files_only=True, trust_remote_code=False)
    # Not in the hub's cache.
    except (OSError, ValueError):
        return _shape_of_weights(encoder, folder)


def _shape_of_weights(encoder: dict[str, torch.Tensor], folder: Path) -> Any:
    """What the weights tell, and what all Qwen2.5 and Qwen3 models of their size have in common."""
    from transformers import Qwen2Config, Qwen3Config

    try:
        vocabulary, width = encoder["embed_tokens.weight"].shape
        first = "layers.0.self_attn."
        keys = encoder[f"{first}k_proj.weight"].shape[0]
        queries = encoder[f"{first}q_proj.weight"].shape[0]
        norm = encoder.get(f"{first}q_norm.weight")
        # Qwen2.5-0.5B has heads of 64, the larger ones of 128, and Qwen3 says it itself.
        size = len(norm) if norm is not None else 64 if width <= 896 else 128
        layers = 1 + max(int(k.split(".")[1]) for k in encoder if k.startswith("layers."))
        if layers > _MOST_LAYERS or not size:
            raise ValueError(f"it has {layers} layers of heads of {size}")
        kind: Any = Qwen2Config if norm is None else Qwen3Config
        return kind(
            vocab_size=vocabulary,
            hidden_size=width,
            intermediate_size=encoder["layers.0.mlp.gate_proj.weight"].shape[0],
            num_hidden_layers=layers,
            num_attention_heads=queries // size,
            num_key_value_heads=keys // size,
            head_dim=size,
            rms_norm_eps=1e-6,
            rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
            pad_token_id=None,
        )
    except (KeyError, ValueError, IndexError) as error:
        raise CheckpointError(
            f"The base of the published checkpoint {folder} is no Qwen2 or Qwen3 "
            f"({first_line(error)}), and its config isn't on this machine; put the base's "
            "config.json into the folder."
        ) from None


def _tokens(folder: Path) -> ResidueTokenizer:
    """Byte pairs, as the script made them, and its placeholder: the unknown token."""
    from transformers import AutoTokenizer

    try:
        source = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    # What damaged files make the many classes of tokenizers raise is of any kind; nothing of ours
    # is run here.
    except Exception as error:
        raise CheckpointError(
            f"The tokenizer of the published checkpoint {folder} can't be read "
            f"({first_line(error)}); copy its files, too."
        ) from None
    known = source.get_vocab()
    unknown = known.get("<unk>", source.unk_token_id)
    placeholder = next(
        (i for i in (unknown, source.pad_token_id, source.eos_token_id) if i is not None), None
    )
    if placeholder is None:
        raise CheckpointError(
            f"The tokenizer of the published checkpoint {folder} has no unknown token for its "
            "placeholders; copy its files again."
        )
    return ResidueTokenizer(
        {}, placeholder, placeholder, placeholder, byte_pairs=True, source=source
    )


def _check_fit(network: DistanceNetwork, state: dict[str, torch.Tensor], folder: Path) -> None:
    own = network.state_dict()
    for name in sorted(own.keys() ^ state.keys()):
        what = "lacks the weight" if name in own else "has a weight that doesn't belong there,"
        raise CheckpointError(
            f"The published checkpoint {folder} {what} {name}; it isn't complete, or its base is "
            "another one than its config says."
        )
    for name, weight in own.items():
        if weight.shape != state[name].shape:
            raise CheckpointError(
                f"The published checkpoint {folder} has a weight {name} of shape "
                f"{tuple(state[name].shape)} where its config asks for {tuple(weight.shape)}."
            )


def _weights(folder: Path) -> Path | None:
    return next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)


def _config_path(folder: Path) -> Path | None:
    """Beside the weights, or, for the Trainer's checkpoint-N, in the folder above."""
    places = (folder / CONFIG, folder.resolve().parent / CONFIG)
    return next((path for path in places if path.is_file() and _is_theirs(path)), None)


def _is_theirs(path: Path) -> bool:
    try:
        content = read_json(path)
    except (OSError, ValueError):
        # Damaged, but theirs: what stands beside it is a model.pt.
        return True
    return isinstance(content, dict) and "max_seq_len" in content
