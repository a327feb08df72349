"""What a network is told of relatives, and what it makes of it."""

import numpy as np
import pytest
import torch

from distmat.library.evidence import Evidence, gather_evidence
from distmat.library.templates import Template, lay
from distmat.model.build import build_network
from distmat.model.checkpoint import Checkpoint, save_companion
from distmat.model.encoders.mini_modules import MiniConfig
from distmat.model.network import DistanceNetwork, DistanceNetworkConfig
from distmat.model.predictor import Predictor, load
from distmat.model.readout import bin_bounds
from distmat.model.relatives import (
    pad_relatives,
    profile_features,
    weigh_evidence,
)
from distmat.model.weights import save_network
from distmat.protein.alignment import align_rows
from distmat.protein.chain import Chain
from distmat.scoring.baseline import reference_baseline

SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQ"
BINS = 48


def a_network(relatives: bool, drawn: bool = True) -> DistanceNetwork:
    """A small one of the real class; its weights as at the start of a training, or drawn."""
    torch.manual_seed(0)
    head = {"width": 8, "rank": 4, "dilations": [1], "bins": BINS, "patch": 2, "fine_width": 6}
    config = DistanceNetworkConfig(
        encoder=MiniConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2),
        head={**head, **({"relatives": True} if relatives else {})},
    )
    network = DistanceNetwork(config)
    if drawn:
        with torch.no_grad():
            for weight in network.parameters():
                weight.add_(0.1 * torch.randn_like(weight))
    return network.eval()


def a_predictor(network: DistanceNetwork) -> Predictor:
    return Predictor(Checkpoint(network, reference_baseline()))


@pytest.fixture
def template() -> Template:
    n = len(SEQUENCE)
    turn = np.radians(100) * np.arange(n)
    helix = np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * np.arange(n)], axis=1)
    return lay(SEQUENCE, Chain("1abc_A", SEQUENCE, helix), np.arange(n), 1e-20)


def test_bayes_rule_adds_logarithms_where_a_template_speaks():
    rng = np.random.default_rng(0)
    own = torch.from_numpy(rng.normal(size=(1, 3, 3, 5))).float()
    said = torch.zeros(1, 3, 3, 5)
    said[0, 0, 1] = torch.from_numpy(rng.normal(size=5)).float()
    answer = weigh_evidence(own, said, 0.5).softmax(dim=-1)
    prior = own.softmax(dim=-1).double().numpy()
    expected = prior[0, 0, 1] * np.exp(0.5 * said[0, 0, 1].double().numpy())
    assert answer[0, 0, 1].numpy() == pytest.approx(expected / expected.sum(), rel=1e-5)
    assert answer[0, 1, 2].numpy() == pytest.approx(prior[0, 1, 2], rel=1e-5)


def test_a_profile_tells_how_many_sequences_it_is_worth():
    one = profile_features(np.eye(20)[[0, 3, 5]])
    four = profile_features(np.tile([0.25] * 4 + [0.0] * 16, (3, 1)), gaps=0.5)
    assert one[:, 21] == pytest.approx(0.0, abs=1e-6)
    assert np.exp(four[:, 21]) == pytest.approx(4.0)
    assert (four[:, 20] == 0.5).all()


def test_a_batch_is_zero_where_nothing_is_known():
    said = Evidence(np.ones((2, 2, 3), np.float32), np.ones((2, 2), np.float32))
    told = pad_relatives([None, said], [np.ones((3, 22)), None], length=4, bins=3)
    assert not told["evidence"][0].any() and told["evidence"][1, :2, :2].all()
    assert not told["witnesses"][1, 2:].any()
    assert told["profile"][0, :3].all() and not told["profile"][0, 3:].any()
    assert not told["profile"][1].any()


def test_an_untrained_reader_hears_templates_as_a_network_that_reads_none(template):
    plain, reader = a_network(False), a_network(True, drawn=False)
    reader.load_state_dict(plain.state_dict(), strict=False)
    maps = [a_predictor(n).predict(SEQUENCE, templates=[template]) for n in (plain, reader)]
    assert maps[0].distances == pytest.approx(maps[1].distances, abs=1e-3)
    assert not np.allclose(maps[0].distances, a_predictor(plain).predict(SEQUENCE).distances)


def test_a_trained_reader_answers_to_templates_and_profiles_and_is_quiet_without(template):
    predictor = a_predictor(a_network(True))
    alone = predictor.predict(SEQUENCE).distances
    again = predictor.predict(SEQUENCE, templates=[], alignment=None).distances
    family = align_rows([SEQUENCE, SEQUENCE.replace("K", "R"), SEQUENCE.replace("I", "V")])
    assert (alone == again).all()
    assert not np.allclose(alone, predictor.predict(SEQUENCE, templates=[template]).distances)
    assert not np.allclose(alone, predictor.predict(SEQUENCE, alignment=family).distances)


def test_a_neighbour_in_the_batch_changes_nothing(template):
    predictor = a_predictor(a_network(True))
    chains = [SEQUENCE, SEQUENCE[:15]]
    together = dict(predictor.predict_many(chains, [[template], []], readout="median"))
    for place, sequence, laid in ((0, SEQUENCE, [template]), (1, SEQUENCE[:15], [])):
        alone = predictor.predict(sequence, templates=laid, readout="median")
        assert together[place].distances == pytest.approx(alone.distances, abs=1e-3)


def test_logits_stay_symmetric(template):
    network = a_network(True)
    bounds = bin_bounds(network.edges).numpy()
    told = pad_relatives([gather_evidence([template], bounds)], [None], len(SEQUENCE), BINS)
    ids = torch.from_numpy(network.tokens.encode(SEQUENCE))[None]
    place, length = torch.arange(len(SEQUENCE))[None], torch.tensor([len(SEQUENCE)])
    with torch.no_grad():
        logits = network(ids, torch.ones_like(ids), place, length, **told).logits
    torch.testing.assert_close(logits, logits.transpose(1, 2))


def test_a_checkpoint_that_reads_none_can_go_on_learning_with_relatives(tmp_path):
    plain = a_network(False)
    save_network(plain, tmp_path)
    save_companion(reference_baseline(), None, {}, tmp_path)
    config = a_network(True).config
    begun = build_network(config, init_from=tmp_path).eval()
    assert begun.reads_relatives
    before, after = (a_predictor(n).predict(SEQUENCE).distances for n in (plain, begun))
    assert (before == after).all()
    save_network(begun, tmp_path / "again")
    save_companion(reference_baseline(), None, {}, tmp_path / "again")
    assert load(tmp_path / "again").reads_relatives
