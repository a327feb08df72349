"""What the house asks of a kind of head."""

from dataclasses import dataclass
from typing import Any

from distmat.settings import Settings


@dataclass(frozen=True)
class HeadMemory:
    """Bytes that a head takes for one chain in training.

    Parameters
    ----------
    kept : float
        For the backward pass.
    passing : float
        There for a moment only.
    block : float
        Of the largest part that activation checkpointing computes again.
    """

    kept: float
    passing: float = 0.0
    block: float = 0.0


class HeadKind:
    """One kind of head; what isn't overridden suits a small head that looks at pairs of residues.

    The module that `build` makes is called with what the encoder says of the chains
    (`EncoderOutput`), each residue's place in its whole chain and the chains' lengths; its
    ``output(answer, ca, loss, settings)`` makes a `NetworkOutput` of what the call returned.

    Attributes
    ----------
    label : str
        What it is, for a person.
    losses : tuple of str
        What it can be trained by, its own first.
    reads_placeholders : bool
        Whether as many placeholders as residues follow the chain through the encoder.
    settings : type or None
        Its own settings, which a run gives as ``head_settings``; those of the built-in heads are
        settings of the run.
    """

    label = ""
    losses: tuple[str, ...] = ("log_mse", "log_huber")
    reads_placeholders = False
    settings: type[Settings] | None = None

    def build(self, hidden_size: int, loss: str, **arguments: Any) -> Any:
        """The module for states of this width, to be trained by this loss."""
        raise NotImplementedError

    def arguments(self, config: Any) -> dict[str, Any]:
        """Of `build`, but for width and loss, as a run's settings decide them; for JSON.

        Raises
        ------
        ConfigError
            If a setting of its own is wrong.
        """
        if self.settings is None:
            return {}
        return self.settings().with_settings(config.head_settings).as_dict()

    def gives_distogram(self, loss: str) -> bool:
        """Whether its output has logits of distance bins; else it has distances."""
        return loss == "distogram"

    def longest(self, config: Any) -> int | None:
        """Residues of the longest chain that it will answer for; None: of any length."""
        return None

    def parameters(self, config: Any, hidden_size: int) -> int:
        """How many weights it has."""
        from distmat.model.undrawn import weightless

        with weightless():
            made = self.build(hidden_size, config.chosen_loss, **self.arguments(config))
        return sum(weight.numel() for weight in made.parameters())

    def memory(self, config: Any, residues: int, hidden_size: int) -> HeadMemory:
        """What it takes for a chain of so many residues in training; here a rough guess."""
        return HeadMemory(12 * residues * hidden_size + 100 * residues**2)

    def channels(self, head: Any, encoder: Any) -> int:
        """Numbers of each pair that a prediction holds at its peak; here a rough guess.

        Parameters
        ----------
        head : Module
            As `build` made it.
        encoder : PreTrainedConfig
        """
        return 64
