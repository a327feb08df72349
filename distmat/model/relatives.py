"""What is known of a chain's relatives, as a network is told: templates' evidence and a profile.

Shapes: B batch, L residues, K distance bins.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from distmat.library.evidence import Evidence, gather_evidence
from distmat.library.templates import Template
from distmat.model.profile_shape import PROFILE_FEATURES


@dataclass(frozen=True)
class Relatives:
    """Of the chains of a batch; what none of them has is None.

    Parameters
    ----------
    evidence : Tensor, shape=(B, L, L, K), or None
        See `distmat.library.evidence.Evidence`; zero for chains without templates.
    witnesses : Tensor, shape=(B, L, L), or None
    profile : Tensor, shape=(B, L, `PROFILE_FEATURES`), or None
        Zero for chains without one, and on padding.
    """

    evidence: torch.Tensor | None = None
    witnesses: torch.Tensor | None = None
    profile: torch.Tensor | None = None


def profile_features(frequency: np.ndarray, gaps: np.ndarray | float = 0.0) -> np.ndarray:
    """A profile as a network reads it.

    Parameters
    ----------
    frequency : ndarray, shape=(N, 20)
        Of the amino acids among the relatives that have a residue there; each row adds up to 1.
    gaps : ndarray, shape=(N,), or float
        Share of the relatives that have none.

    Returns
    -------
    ndarray, shape=(N, `PROFILE_FEATURES`), dtype=float32
        The last feature is the mean entropy of the columns in nats: the logarithm of the number of
        effective sequences as HH-suite counts them (Steinegger et al., BMC Bioinformatics 20,
        2019).
    """
    features = np.zeros((len(frequency), PROFILE_FEATURES), dtype=np.float32)
    features[:, :20] = frequency
    features[:, 20] = gaps
    logarithm = np.log(np.maximum(frequency, 1e-9))
    features[:, 21] = -(frequency * logarithm).sum(axis=1).mean()
    return features


def pad_relatives(
    evidence: Sequence[Evidence | None],
    profiles: Sequence[np.ndarray | None],
    length: int,
    bins: int,
) -> dict[str, torch.Tensor]:
    """What is known of each chain, as one batch: arguments of `DistanceNetwork`.

    Parameters
    ----------
    evidence : sequence of Evidence or None
        Of each chain.
    profiles : sequence of ndarray or None
        Of each chain, by `profile_features`.
    length : int
        Residues L to pad to.
    bins : int
        Distance bins K.
    """
    shape = (len(evidence), length, length)
    told: dict[str, np.ndarray] = {}
    if any(each is not None for each in evidence):
        told["evidence"] = np.zeros((*shape, bins), dtype=np.float32)
        told["witnesses"] = np.zeros(shape, dtype=np.float32)
    if any(each is not None for each in profiles):
        told["profile"] = np.zeros((*shape[:2], PROFILE_FEATURES), dtype=np.float32)
    for row, (said, profile) in enumerate(zip(evidence, profiles, strict=True)):
        if said is not None:
            n = len(said.witnesses)
            told["evidence"][row, :n, :n] = said.log_likelihood
            told["witnesses"][row, :n, :n] = said.witnesses
        if profile is not None:
            told["profile"][row, : len(profile)] = profile
    return {name: torch.from_numpy(array) for name, array in told.items()}


def weigh_evidence(
    logits_BLLK: torch.Tensor,
    evidence_BLLK: torch.Tensor,
    trust_BLL1: torch.Tensor | float = 1.0,
) -> torch.Tensor:
    """A distogram's logits after what templates say: Bayes' rule.

    Parameters
    ----------
    logits_BLLK : Tensor, shape=(B, L, L, K)
        Of the network's own opinion.
    evidence_BLLK : Tensor, shape=(B, L, L, K)
        Zero where no template covers both residues.
    trust_BLL1 : Tensor, shape=(B, L, L, 1), or float
        How much of the evidence counts.

    Returns
    -------
    Tensor, shape=(B, L, L, K), dtype=float32
        Not normalised; the network's own where no template covers both residues.
    """
    return logits_BLLK.float().log_softmax(dim=-1) + trust_BLL1 * evidence_BLLK


def hear_templates(
    logits_LLK: torch.Tensor, templates: Sequence[Template], bounds: np.ndarray
) -> torch.Tensor:
    """The distogram of a network that reads no templates, after what they say.

    Parameters
    ----------
    logits_LLK : Tensor, shape=(N, N, K)
        Of the network's own opinion.
    templates : sequence of Template
        At least one; the surest first.
    bounds : ndarray, shape=(K + 1,)
        Å: between which the bins lie.

    Returns
    -------
    Tensor, shape=(N, N, K), dtype=float32
        As of `weigh_evidence`.
    """
    evidence = torch.from_numpy(gather_evidence(templates, bounds).log_likelihood)
    return weigh_evidence(logits_LLK, evidence.to(logits_LLK.device))
