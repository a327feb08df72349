"""Configs to start from."""

import numpy as np
import pytest
import torch
from transformers import get_scheduler

from distmat.errors import ConfigError
from distmat.training.config import TrainingConfig
from distmat.training.presets import PRESETS, SUMMARIES, preset
from distmat.training.sampling import ClusterBatches


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_valid_config_with_a_sentence_about_it(name):
    assert isinstance(preset(name), TrainingConfig)
    assert SUMMARIES[name].endswith(".")


def test_a_preset_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(ConfigError, match="no preset 'fast'; there are quick-look, mini, paper-v2"):
        preset("fast")


def test_the_published_preset_takes_the_published_steps_at_the_published_rates():
    config = preset("paper-v2")
    batches = ClusterBatches(
        np.full(1162, 200),
        np.arange(1162),
        config.crops,
        config.pairs_per_batch,
        config.seed,
        config.chains_per_batch,
        config.accumulation,
    )
    steps = config.epochs * batches.steps
    assert steps == 725
    optimizer = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], lr=config.learning_rate)
    warmup = int(np.ceil(config.warmup_steps * steps))
    scheduler = get_scheduler(config.schedule, optimizer, warmup, steps)
    rates = []
    for _ in range(500):
        optimizer.step()
        scheduler.step()
        rates.append(scheduler.get_last_lr()[0])
    # From the published run's own log.
    published = {50: 6.85e-5, 100: 9.59e-5, 150: 8.82e-5, 250: 7.29e-5, 350: 5.75e-5, 500: 3.45e-5}
    for step, rate in published.items():
        assert rates[step - 1] == pytest.approx(rate, rel=2e-3)
    assert (config.lora_rank, config.lora_alpha, config.weight_decay) == (8, 16, 0.01)
