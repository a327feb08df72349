"""What a config means on this machine."""

import pytest

from distmat.training import arguments
from distmat.training.config import TrainingConfig


@pytest.mark.parametrize(
    ("has_bf16", "wanted", "chosen"),
    [(True, "bf16", "bf16"), (False, "bf16", "fp32"), (True, "auto", "fp32")],
)
def test_bfloat16_that_a_processor_would_emulate_is_float32(monkeypatch, has_bf16, wanted, chosen):
    monkeypatch.setattr(arguments, "processor_has_bf16", lambda: has_bf16)
    config = TrainingConfig(device="cpu", precision=wanted)
    assert arguments.choose_precision(config) == chosen
