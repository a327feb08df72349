import numpy as np
import pytest
import torch

from distmat.errors import CheckpointError, ConfigError
from distmat.model.heads.pair_modules import bin_edges
from distmat.model.predictor import Predictor, load
from distmat.model.readout import MIXED_FROM, read_distogram


def test_distances_are_medians_and_deviations_those_of_the_distogram():
    """Against a sample of a million distances drawn from the same distogram."""
    rng = np.random.default_rng(0)
    edges = bin_edges(64)
    logits = (-((torch.arange(64) - 20.0) ** 2) / 50).repeat(2, 2, 1)
    # A second way to be, on one side.
    logits[..., 45] = 0.0
    predicted = read_distogram("AC", logits, edges)
    bounds = np.concatenate([[2.0], edges.numpy(), [110.0]])
    probability = logits[0, 1].double().softmax(-1).numpy()
    bins = rng.choice(64, size=1_000_000, p=probability)
    sample = rng.uniform(bounds[bins], bounds[bins + 1])
    assert predicted.distances[0, 1] == pytest.approx(np.median(sample), abs=0.02)
    mean = read_distogram("AC", logits, edges, "mean")
    assert mean.distances[0, 1] == pytest.approx(sample.mean(), abs=0.02)
    np.testing.assert_array_equal(mean.std, predicted.std)
    low, median, high = np.quantile(sample, [0.05, 0.5, 0.95])
    assert high - median > 1.2 * (median - low)
    assert predicted.std[0, 1] == pytest.approx((high - median) / 1.645, abs=0.02)
    assert predicted.contacts[0, 1] == pytest.approx((sample < 8).mean(), abs=0.002)


def test_the_deviation_of_a_normal_distogram_is_its_own():
    edges = bin_edges(64)
    bounds = torch.cat([torch.tensor([2.0]), edges, torch.tensor([110.0])])
    for std in (1.0, 2.5):
        share = torch.special.ndtr((bounds - 12.25) / std).diff().clamp(min=1e-12)
        predicted = read_distogram("AC", share.log().repeat(2, 2, 1), edges)
        assert predicted.std[0, 1] == pytest.approx(std, rel=0.03)


def test_the_mixed_readout_is_the_median_of_near_pairs_and_the_mean_of_far_ones():
    edges = bin_edges(64)
    logits = torch.randn(30, 30, 64, generator=torch.Generator().manual_seed(0))
    logits = 4 * (logits + logits.transpose(0, 1))
    median, mean, mixed = (
        read_distogram("A" * 30, logits, edges, readout).distances
        for readout in ("median", "mean", "mixed")
    )
    near = median < MIXED_FROM
    assert 0.1 < near.mean() < 0.9 and (median != mean).any()
    np.testing.assert_array_equal(mixed[near], median[near])
    np.testing.assert_array_equal(mixed[~near], mean[~near])


def test_the_distogram_is_what_distances_and_contacts_are_read_from():
    predictor = load("mini")
    sequence = "MKTAYIAKQRQISFVKSHFSRQ"
    distogram = predictor.distogram(sequence)
    predicted = predictor.predict(sequence)
    mean = predictor.predict(sequence, readout="mean")
    assert distogram.probabilities.shape == (22, 22, 64) and distogram.bounds.shape == (65,)
    np.testing.assert_allclose(distogram.probabilities.sum(axis=-1), 1, atol=1e-5)
    pair = np.triu_indices(22, 1)
    near = distogram.probabilities[..., distogram.bounds[1:] <= 8].sum(axis=-1)
    np.testing.assert_allclose(near[pair], predicted.contacts[pair], atol=1e-5)
    median = predictor.predict(sequence, readout="median")
    np.testing.assert_allclose(distogram.means, mean.distances, rtol=1e-4)
    np.testing.assert_allclose(distogram.medians, median.distances, rtol=1e-4)


def test_what_there_is_not_is_refused(monkeypatch):
    predictor = load("mini")
    with pytest.raises(
        ConfigError, match="no readout 'mode'; choose one of 'consistent', 'median', 'me"
    ):
        predictor.predict("MKTAYIAK", readout="mode")
    monkeypatch.setattr(Predictor, "takes_templates", False)
    with pytest.raises(CheckpointError, match="gives distances, no distogram"):
        predictor.distogram("MKTAYIAK")
