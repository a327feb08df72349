"""The built-in encoder: its settings, tokens and shape. The modules are in `mini_modules`."""

from dataclasses import dataclass
from typing import Any

from distmat.errors import ConfigError
from distmat.model.encoders.kind import EncoderKind
from distmat.model.encoders.shape import EncoderShape
from distmat.model.tokens import VOCABULARY, ResidueTokenizer, mini_tokenizer
from distmat.settings import PACE, SHAPE, Settings, setting

_GROUP = "Encoder"


def _is_mini(config: Any) -> bool:
    return config.encoder == "mini"


@dataclass(frozen=True)
class MiniSettings(Settings):
    """Those of a run that shape mini."""

    hidden_size: int = setting(
        128,
        "Width",
        _GROUP,
        low=8,
        high=4096,
        marks=(SHAPE, PACE),
        applies=_is_mini,
    )
    """Width of mini's residue states."""

    layers: int = setting(
        4,
        "Layers",
        _GROUP,
        low=1,
        high=64,
        marks=(SHAPE, PACE),
        applies=_is_mini,
    )
    """Layers of mini."""

    attention_heads: int = setting(
        4,
        "Attention heads",
        _GROUP,
        low=1,
        high=64,
        marks=(SHAPE,),
        applies=_is_mini,
    )
    """Attention heads of each layer of mini; they divide `hidden_size`."""

    def check_together(self) -> None:
        """See `Settings`."""
        super().check_together()
        used = getattr(self, "encoder", "mini") == "mini"
        if used and self.hidden_size % self.attention_heads:
            raise ConfigError(
                f"hidden_size is {self.hidden_size}, which {self.attention_heads} attention heads "
                "don't divide; change one of the two."
            )


class MiniKind(EncoderKind):
    """`MiniEncoder`, a small transformer made from its config alone."""

    label = "a small transformer, trained from scratch"
    model_type = "distmat-mini"
    kept_per_attention = 6.0

    def config(self, settings: Any) -> Any:
        """See `EncoderKind`."""
        from distmat.model.encoders.mini_modules import MiniConfig

        return MiniConfig(
            hidden_size=settings.hidden_size,
            num_hidden_layers=settings.layers,
            num_attention_heads=settings.attention_heads,
            intermediate_size=3 * settings.hidden_size,
            dropout=settings.dropout,
        )

    def read_config(self, model_type: str, content: dict[str, Any]) -> Any:
        """See `EncoderKind`."""
        from distmat.model.encoders.mini_modules import MiniConfig

        return MiniConfig.from_dict(content)

    def build(self, config: Any) -> Any:
        """See `EncoderKind`."""
        from distmat.model.encoders.mini_modules import MiniEncoder

        return MiniEncoder(config)

    def is_causal(self, config: Any) -> bool:
        """See `EncoderKind`."""
        return False

    def shape(self, settings: Any) -> EncoderShape:
        """See `EncoderKind`."""
        d, vocabulary = settings.hidden_size, len(VOCABULARY)
        heads = settings.attention_heads
        return EncoderShape(self.model_type, d, settings.layers, heads, 3 * d, d, d, vocabulary)

    def tokens(self, config: Any) -> ResidueTokenizer:
        """See `EncoderKind`."""
        return mini_tokenizer()

    def linear_layers(self, shape: EncoderShape) -> list[tuple[int, int]]:
        """See `EncoderKind`."""
        d, i = shape.hidden_size, shape.intermediate
        return [(d, 3 * d), (d, d), (d, i), (i, d)]
