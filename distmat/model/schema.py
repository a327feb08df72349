"""What the JSON files of a checkpoint may hold: every value is checked here, before it is used.

Ranges are wide: they refuse what nobody trains, and what would make a small file ask for all
the memory or hours of work.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from distmat.documents import DocumentError, read_json
from distmat.errors import ConfigError
from distmat.model.heads import HEADS
from distmat.model.tokens import LETTERS
from distmat.protein.distance_map import BANDS
from distmat.scoring.baseline import LENGTH_EDGES
from distmat.settings import join_words

Text = Annotated[str, Field(max_length=1000)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Width = Annotated[int, Field(ge=1, le=65_536)]
Layers = Annotated[int, Field(ge=1, le=1024)]
Share = Annotated[float, Field(ge=0, lt=1)]
Factor = Annotated[float, Field(ge=0.01, le=100)]
Angstrom = Annotated[float, Field(ge=0, le=100_000)]
TokenId = Annotated[int, Field(ge=0, le=2**31)]
PairBlocks = Annotated[list[Annotated[int, Field(ge=1, le=1024)]], Field(max_length=64)]

_LARGEST_NUMBER = 2**40
"""Of an encoder's config."""
_COUNTED = ("layer", "expert", "block", "depth", "group")
"""Words in the names of numbers of an encoder's config that say how often something is made."""


class SchemaError(ValueError):
    """What is wrong with a value, and where it stands, as the part of a sentence."""


class _Checked(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


class _Lenient(BaseModel):
    """Of a file to which others add entries of their own, which nothing here reads."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False, frozen=True)


class Tokens(_Checked):
    """See `ResidueTokenizer`."""

    letters: dict[str, TokenId]
    pad: TokenId
    mask: TokenId
    placeholder: TokenId
    before: TokenId | None = None
    after: TokenId | None = None

    @field_validator("letters")
    @classmethod
    def _one_each(cls, letters: dict[str, int]) -> dict[str, int]:
        if set(letters) != set(LETTERS) or len(set(letters.values())) < len(LETTERS):
            raise ValueError(f"the letters {LETTERS} need a token of their own each")
        return letters


class PairHeadShape(_Checked):
    """Arguments of a `PairHead`."""

    width: Width = 32
    rank: Width = 16
    dilations: PairBlocks = []
    bins: Annotated[int, Field(ge=41, le=4096)] = 64
    dropout: Share = 0.1
    patch: Annotated[int, Field(ge=1, le=64)] = 1
    fine_width: Width = 32
    relatives: bool = False


class PublishedHeadShape(_Checked):
    """Arguments of a `PlaceholderHead` or a `CoordinatesHead`."""

    max_length: Annotated[int, Field(ge=1, le=100_000)] = 256


class LoraShape(_Checked):
    """See `LoraSettings`."""

    rank: Annotated[int, Field(ge=1, le=1024)] = 8
    alpha: Annotated[float, Field(gt=0, le=1e6)] = 16
    dropout: Share = 0.05
    targets: Annotated[str, Field(min_length=1, max_length=10_000)] = "all-linear"


class LossShape(BaseModel):
    """Of `LossSettings`, which checks its numbers itself."""

    band_weights: dict[str, Any] = {}


class MiniShape(_Lenient):
    """Arguments of a `MiniConfig`."""

    hidden_size: Width = 128
    num_hidden_layers: Layers = 4
    num_attention_heads: Width = 4
    intermediate_size: Width = 384
    kernel_size: Annotated[int, Field(ge=1, le=1023)] = 7
    max_relative_position: Annotated[int, Field(ge=0, le=65_536)] = 64
    dropout: Share = 0.1
    vocab_size: Width = 23
    pad_token_id: TokenId = 0

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if self.hidden_size % self.num_attention_heads:
            raise ValueError("num_attention_heads doesn't divide hidden_size")
        if self.kernel_size % 2 == 0:
            raise ValueError("kernel_size is even")
        if self.pad_token_id >= self.vocab_size:
            raise ValueError("pad_token_id isn't below vocab_size")
        return self


class NetworkFile(_Lenient):
    """``config.json``; see `DistanceNetworkConfig`."""

    encoder: dict[str, Any] | None = None
    encoder_name: Text = "mini"
    bidirectional: bool = False
    head_kind: Text = "pair"
    head: dict[str, Any] = {}
    loss: Text = ""
    loss_settings: dict[str, Any] = {}
    max_trained_length: Annotated[int, Field(ge=0, le=10**6)] = 0
    distogram_temperature: Factor = 1.0
    std_factors: dict[str, Factor] = {}
    mode: Literal["full", "lora", "frozen"] = "full"
    lora: LoraShape | None = None
    pretrained: bool = False
    encoder_seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    tokens: Tokens | None = None
    base_fingerprint: Text = ""

    @field_validator("head_kind")
    @classmethod
    def _check_known(cls, name: str) -> str:
        if name not in HEADS:
            raise ValueError(f"Input should be {join_words(map(repr, HEADS.names()))}")
        return name

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if unknown := set(self.std_factors) - set(BANDS):
            raise ValueError(f"std_factors names {min(unknown)[:40]!a}, which is no band")
        if self.head_kind in _HEADS:
            check_content(_HEADS[self.head_kind], self.head, "head")
        else:
            _check_own_head(self.head_kind, self.head)
        check_content(LossShape, self.loss_settings, "loss_settings")
        if self.encoder is not None:
            check_encoder(self.encoder)
        elif self.encoder_name != "mini":
            raise ValueError("encoder says nothing of its shape")
        if self.encoder_name == "mini" and self.pretrained and self.mode != "full":
            raise ValueError("pretrained is true, but mini has no weights of its own")
        return self


_HEADS: dict[str, type[BaseModel]] = {
    "pair": PairHeadShape,
    "placeholder": PublishedHeadShape,
    "coordinates": PublishedHeadShape,
}


def _check_own_head(name: str, arguments: dict[str, Any]) -> None:
    """Those of a head of another package are its settings, which check themselves."""
    try:
        kind = HEADS.get(name)
        if kind.settings is not None:
            kind.settings().with_settings(arguments)
        elif arguments:
            raise SchemaError(f"head: {name} has no settings")
    except ConfigError as error:
        raise SchemaError(f"head: {error}") from None


class TrainedOn(BaseModel):
    """What a checkpoint tells of its training; others may add what they like."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False, frozen=True)

    train: Text | None = None
    val: Text | None = None
    train_chains: Count | None = None
    train_clusters: Count | None = None
    steps: Count | None = None
    hours: Annotated[float, Field(ge=0)] | None = None


class CalibrationTable(_Checked):
    """See `Calibration`."""

    mean: Annotated[list[Angstrom], Field(min_length=1)]
    rho: list[Annotated[float, Field(ge=0, le=1)]]

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if len(self.mean) != len(self.rho):
            raise ValueError(f"mean has {len(self.mean)} separations and rho {len(self.rho)}")
        return self


class ResidualsTable(_Checked):
    """See `Residuals`."""

    rms: Annotated[list[Angstrom], Field(min_length=1)]


class BaselineTable(_Checked):
    """See `SeparationBaseline`."""

    length_edges: list[int] = list(LENGTH_EDGES)
    mean: list[Annotated[list[Angstrom], Field(min_length=1)]]

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if tuple(self.length_edges) != LENGTH_EDGES or len(self.mean) != len(LENGTH_EDGES) + 1:
            raise ValueError("it has other bins of chain length than this version")
        if len({len(row) for row in self.mean}) != 1:
            raise ValueError("its rows aren't equally long")
        return self


class CompanionFile(_Lenient):
    """``distmat.json``."""

    baseline: BaselineTable
    trained_on: TrainedOn = Field(default_factory=TrainedOn)
    calibration: CalibrationTable | None = None
    residuals: ResidualsTable | None = None


class _Normalisation(_Lenient):
    norm_method: Text = "log_scale"


class PublishedSettings(_Lenient):
    """``training_config.json`` of a published folder."""

    model_name: Annotated[str, Field(min_length=1, max_length=1000)]
    max_seq_len: Annotated[int, Field(ge=1, le=100_000)]
    lora_rank: Width = 16
    lora_alpha: Annotated[float, Field(ge=-1e6, le=1e6)] = 32
    norm_config: _Normalisation | None = None


Kind = TypeVar("Kind", bound=BaseModel)


def read_checked(kind: type[Kind], path: Path) -> Kind:
    """A JSON file with checked content.

    Raises
    ------
    OSError
        If there is no such file.
    SchemaError
        If it is no JSON, or a value is missing, of another type or out of its range.
    """
    try:
        return check_content(kind, read_json(path))
    except DocumentError as error:
        raise SchemaError(f"{path.name}: {error}") from None


def check_content(kind: type[Kind], content: Any, name: str = "") -> Kind:
    """Checked content of a file, or of its part `name`.

    Raises
    ------
    SchemaError
        As `read_checked`.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part)[:40] for part in (name, *fault["loc"]) if part != "")
        what = fault["msg"].removeprefix("Value error, ")
        raise SchemaError(f"{place}: {what}" if place else what) from None


def check_encoder(content: dict[str, Any]) -> None:
    """Refuse the config of an encoder that could only be a fault or a trap.

    Raises
    ------
    SchemaError
    """
    kind = content.get("model_type")
    if not isinstance(kind, str):
        raise SchemaError("encoder has no model_type")
    if kind == "distmat-mini":
        check_content(MiniShape, content, "encoder")
        return
    for name, value in _numbers(content, "encoder"):
        counted = any(word in name.rpartition(".")[2] for word in _COUNTED)
        most = 1024 if counted and isinstance(value, int) else _LARGEST_NUMBER
        if not -most <= value <= most:
            raise SchemaError(f"{name[:100]} is {str(value)[:40]}, beyond any model's")


def _numbers(content: Any, name: str) -> Iterator[tuple[str, int | float]]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _numbers(value, f"{name}.{key}")
    elif isinstance(content, list):
        for value in content:
            yield from _numbers(value, name)
    elif isinstance(content, (int, float)) and not isinstance(content, bool):
        yield name, content
