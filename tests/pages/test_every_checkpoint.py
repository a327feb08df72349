"""The predict page with real checkpoints of every kind, tiny ones made on the spot."""

import pytest
import torch
from streamlit.testing.v1 import AppTest

from distmat.model.build import build_network
from distmat.model.checkpoint import Checkpoint, save_checkpoint
from distmat.model.network import DistanceNetworkConfig
from tests.model.tiny_encoders import BASELINE, HEADS, write_encoder

KINDS = {
    "qwen-lora-pair": ("qwen2", "lora", "pair", "distogram"),
    "esm-frozen-pair-distance": ("esm", "frozen", "pair", "log_huber"),
    "mini-full-placeholder": ("mini", "full", "placeholder", "log_mse"),
    "esm-full-coordinates": ("esm", "full", "coordinates", "coordinate_mse"),
    "qwen-frozen-fape": ("qwen2", "frozen", "coordinates", "fape"),
}
LONGEST = 160


@pytest.mark.parametrize("name", KINDS)
def test_a_person_chooses_a_checkpoint_and_sees_its_map_scored(name, tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    encoder, mode, head, loss = KINDS[name]
    base = "mini" if encoder == "mini" else str(write_encoder(encoder, tmp_path / "base"))
    config = DistanceNetworkConfig(
        encoder_name=base,
        head_kind=head,
        head=HEADS["pair"] if head == "pair" else {"max_length": LONGEST},
        loss=loss,
    )
    torch.manual_seed(0)
    checkpoint = Checkpoint(build_network(config, mode), BASELINE, trained_on={"train_chains": 7})
    save_checkpoint(checkpoint, tmp_path / "checkpoints" / name)
    app = AppTest.from_file("../../pages/navigation.py", default_timeout=60).run()
    app.switch_page("predict.py").run()
    app.selectbox(key="checkpoint").select(name)
    app.button[0].click().run()
    assert not app.exception and not app.error
    assert app.metric[0].label == "Distance MAE" and app.metric[0].value.endswith(" Å")
    said = [caption.value.replace("\\", "") for caption in app.caption]
    assert any(f"checkpoint {name}" in text for text in said)
