"""What training minimises, against plain formulas and against turned and moved structures."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist, squareform
from scipy.spatial.transform import Rotation

from distmat.errors import ConfigError
from distmat.model.build import build_network
from distmat.model.heads import HEADS as KINDS_OF_HEADS
from distmat.model.losses import (
    LossSettings,
    contact_error,
    coordinate_error,
    distogram_cross_entropy,
    frame_aligned_error,
    lddt_error,
    log_distance_error,
    pairs_of,
)
from distmat.model.network import DistanceNetworkConfig

from .tiny_encoders import HEADS, batch, tiny_config


def walk(n=14, seed=0, hidden=()) -> np.ndarray:
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(n, 3))
    ca = np.cumsum(3.8 * steps / np.linalg.norm(steps, axis=1, keepdims=True), axis=0)
    ca[list(hidden)] = np.nan
    return ca


def tensor(array) -> torch.Tensor:
    return torch.tensor(np.asarray(array), dtype=torch.float32)[None]


def all_pairs(n, hidden=()):
    seen = [k for k in range(n) if k not in hidden]
    return [(i, j) for i in seen for j in seen if i < j]


@pytest.mark.parametrize("scaling", ["own_maximum", "constant", "none"])
def test_log_distance_error_is_the_mean_square_over_observed_pairs(scaling):
    ca, hidden = walk(hidden=(4,)), (4,)
    predicted = np.random.default_rng(1).normal(size=(14, 14))
    truth = np.log1p(squareform(pdist(ca)))
    # NaN wherever residue 4 takes part; the largest of the others is the chain's own maximum.
    unit = {"own_maximum": np.nanmax(truth), "constant": 4.0, "none": 1.0}[scaling]
    expected = np.mean([(predicted[p] - truth[p] / unit) ** 2 for p in all_pairs(14, hidden)])
    loss = log_distance_error(tensor(predicted), pairs_of(tensor(ca)), scaling)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_the_published_targets_are_the_same_for_a_chain_and_its_tenfold_copy_near_the_maximum():
    """Each chain's own maximum is mapped to 1, so nothing tells how large the chain is."""
    ca = walk()
    tables = []
    for scale in (1.0, 10.0):
        log = np.log1p(squareform(pdist(scale * ca)))
        tables.append(log / log.max())
        loss = log_distance_error(tensor(tables[-1]), pairs_of(tensor(scale * ca)), "own_maximum")
        assert loss.item() < 1e-12
    assert tables[0].max() == tables[1].max() == 1.0


def test_huber_counts_large_errors_linearly():
    ca = walk(6)
    truth = np.log1p(squareform(pdist(ca)))
    loss = log_distance_error(tensor(truth + 3.0), pairs_of(tensor(ca)), "none", huber_delta=0.5)
    assert loss.item() == pytest.approx(0.5 * (3.0 - 0.25), rel=1e-5)


def test_band_weights_weigh_the_pairs_of_their_band_alone():
    ca = walk(40)
    truth = np.log1p(squareform(pdist(ca)))
    separation = np.abs(np.subtract.outer(np.arange(40), np.arange(40)))
    error = np.where(separation >= 24, 2.0, 1.0)
    weights = {"long": 3.0, "local": 0.0}
    count = {
        "long": sum(j - i >= 24 for i, j in all_pairs(40)),
        "others": sum(not (3 <= j - i <= 5 or j - i >= 24) for i, j in all_pairs(40)),
    }
    expected = (3 * 4 * count["long"] + count["others"]) / (3 * count["long"] + count["others"])
    loss = log_distance_error(tensor(truth + error), pairs_of(tensor(ca), weights), "none")
    assert loss.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("hidden", [(), (0, 5)])
def test_no_loss_comes_from_the_diagonal_or_from_unobserved_residues(hidden):
    ca = tensor(walk(hidden=hidden))
    logits = torch.zeros(1, 14, 14, 48, requires_grad=True)
    edges = torch.linspace(2, 40, 47)
    distogram_cross_entropy(logits, pairs_of(ca), edges).backward()
    touched = logits.grad.abs().sum(-1)[0] > 0
    expected = torch.zeros(14, 14, dtype=torch.bool)
    for i, j in all_pairs(14, hidden):
        expected[i, j] = True
    assert (touched == expected).all()


def test_a_batch_without_a_single_observed_pair_costs_nothing():
    ca = torch.full((1, 5, 3), float("nan"))
    pairs = pairs_of(ca)
    logits = torch.zeros(1, 5, 5, 48, requires_grad=True)
    distogram = distogram_cross_entropy(logits, pairs, torch.linspace(2, 40, 47))
    plain = log_distance_error(logits[..., 0], pairs, "own_maximum")
    fape = frame_aligned_error(logits[:, :, 0, :3], ca)
    coordinates = coordinate_error(logits[:, :, 0, :3], ca)
    total = distogram + plain + fape + coordinates
    total.backward()
    assert total.item() == 0.0 and torch.isfinite(logits.grad).all()


def test_coordinate_error_is_the_mean_square_in_units_of_the_chains_own_spread():
    ca = walk(hidden=(3,))
    seen = np.isfinite(ca).all(axis=1)
    centred = ca[seen] - ca[seen].mean(axis=0)
    predicted = np.random.default_rng(2).normal(size=(14, 3))
    expected = np.mean((predicted[seen] - centred / centred.std()) ** 2)
    assert coordinate_error(tensor(predicted), tensor(ca)).item() == pytest.approx(
        expected, rel=1e-5
    )


def plain_fape(predicted, true, clamp):
    """Algorithm 28 of Jumper et al., 2021, residue by residue."""

    def frame(x, i):
        e1 = (x[i + 1] - x[i]) / np.linalg.norm(x[i + 1] - x[i])
        back = x[i - 1] - x[i]
        e2 = back - e1 * (e1 @ back)
        e2 /= np.linalg.norm(e2)
        return np.stack([e1, e2, np.cross(e1, e2)], axis=1)

    errors = []
    for i in range(1, len(true) - 1):
        seen = [(x - x[i]) @ frame(x, i) for x in (predicted, true)]
        errors.append(np.minimum(np.linalg.norm(seen[0] - seen[1], axis=1), clamp))
    return np.mean(errors) / 10


@pytest.mark.parametrize("clamp", [10.0, 1000.0])
def test_fape_is_the_published_formula_on_frames_of_three_alpha_carbons(clamp):
    predicted, true = walk(seed=3), walk(seed=4)
    loss = frame_aligned_error(tensor(predicted), tensor(true), clamp, unclamped=0.0)
    # The frames' axes are a little short, lest an untrained point have endless slopes.
    assert loss.item() == pytest.approx(plain_fape(predicted, true, clamp), rel=1e-3)


def test_fape_sees_a_mirror_image_and_nothing_else_that_distances_would_not():
    true = walk(seed=5)
    turned = Rotation.random(random_state=0).apply(true) + 50
    assert frame_aligned_error(tensor(turned), tensor(true)).item() < 1e-3
    mirrored = true * [1, 1, -1]
    assert frame_aligned_error(tensor(mirrored), tensor(true)).item() > 0.1


def test_fape_ignores_what_was_not_observed():
    true, hidden = walk(seed=6), walk(seed=6)
    hidden[5] = np.nan
    predicted = walk(seed=7)
    changed = predicted.copy()
    changed[5] += 100
    before, after = (
        frame_aligned_error(tensor(x), tensor(hidden)).item() for x in (predicted, changed)
    )
    assert before == pytest.approx(after, rel=1e-6)
    assert before != pytest.approx(frame_aligned_error(tensor(predicted), tensor(true)).item())


def test_an_untrained_trace_that_is_one_point_has_finite_slopes():
    point = torch.zeros(1, 14, 3, requires_grad=True)
    frame_aligned_error(point, tensor(walk())).backward()
    assert torch.isfinite(point.grad).all()


def test_the_auxiliary_losses_fall_as_a_map_gets_better():
    ca = tensor(walk(30, seed=8) * 0.5)
    pairs = pairs_of(ca)
    noise = torch.randn(pairs.distance.shape, generator=torch.Generator().manual_seed(0))
    lddt = [lddt_error(pairs.distance + s * noise, pairs).item() for s in (0.0, 1.0, 5.0)]
    assert lddt[0] < 0.03 and lddt == sorted(lddt)
    truth = (pairs.distance < 8).float()
    contact = [contact_error((1 - p) * truth + p / 2, pairs).item() for p in (0.0, 0.3, 0.9)]
    assert contact[0] < 1e-4 and contact == sorted(contact)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"huberdelta": 1}, "loss_settings has no 'huberdelta'; the settings are band_weights"),
        ({"scaling": "log"}, "scaling is 'log'; it must be one of own_maximum, constant, none"),
        ({"band_weights": {"far": 1}}, "band_weights names 'far'; the bands are local"),
        ({"band_weights": {"long": -1}}, "band_weights of 'long' is -1; it must lie between 0"),
        ({"clamp": "wide"}, "clamp is 'wide'; it must lie between 0.1 and 1000"),
        ({"unclamped": 2.0}, "unclamped is 2.0"),
    ],
)
def test_a_wrong_setting_is_named_with_its_range(settings, words):
    with pytest.raises(ConfigError, match=words):
        LossSettings.from_dict(settings)


def test_a_head_or_a_loss_that_there_is_not_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match="head is 'triangle'; it must be one of pair,"):
        build_network(DistanceNetworkConfig(head_kind="triangle"))
    with pytest.raises(ConfigError, match="loss is 'fape', which the head 'pair' has not"):
        build_network(DistanceNetworkConfig(loss="fape"))
    with pytest.raises(ConfigError, match="head 'pair' can't be made of"):
        build_network(DistanceNetworkConfig(head={"breadth": 3}))


@pytest.mark.parametrize(
    ("head", "loss"),
    [(head, loss) for head in KINDS_OF_HEADS.names() for loss in KINDS_OF_HEADS.get(head).losses],
)
def test_turning_and_moving_the_structures_changes_the_first_published_loss_and_no_other(
    head, loss
):
    torch.manual_seed(0)
    config = DistanceNetworkConfig(
        encoder=tiny_config("mini"), head_kind=head, head=HEADS[head], loss=loss
    )
    net = build_network(config).eval()
    given = batch(net.tokens, ["ACDEFGHIKLMNPQ", "MKTAY"])
    before = net(**given).loss.item()
    turn = torch.tensor(Rotation.random(random_state=1).as_matrix(), dtype=torch.float32)
    given["ca"] = given["ca"] @ turn.T + torch.tensor([20.0, -35.0, 8.0])
    after = net(**given).loss.item()
    if loss == "coordinate_mse":
        assert abs(after - before) > 1e-3 * before
    else:
        assert after == pytest.approx(before, rel=2e-5)


def test_in_sixteen_bits_fape_is_still_reckoned_in_thirty_two():
    predicted, true = tensor(walk(seed=3) * 5), tensor(walk(seed=4) * 5)
    exact = frame_aligned_error(predicted, true).item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert frame_aligned_error(predicted, true).item() == pytest.approx(exact, rel=1e-6)
