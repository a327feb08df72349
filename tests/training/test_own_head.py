"""The head that the documentation writes, in a package of its own."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import distmat
from distmat import settings as settings_module
from distmat.errors import ConfigError
from distmat.model.encoders import shape_of
from distmat.model.heads import HEADS
from distmat.training.config import settings
from distmat.training.memory import estimate_memory
from distmat.training.trainer import train

PAGE = Path(__file__).parents[2] / "docs" / "own_head.md"


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The example of the page and its entry point, as pip would lay them down."""
    code, entry = (
        re.search(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
        for kind in ("python", "toml")
    )
    assert len([line for line in code.splitlines() if line.strip()]) <= 45
    site = tmp_path / "site"
    info = site / "dot_head-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "dot_head.py").write_text(code, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dot-head\nVersion: 1.0\n")
    title, line = entry.strip().splitlines()
    group = re.search(r'entry-points\."(.*)"\]', title)[1]
    (info / "entry_points.txt").write_text(f"[{group}]\n{line.replace(chr(34), '')}\n")
    monkeypatch.delitem(sys.modules, "dot_head", raising=False)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setattr(HEADS, "_made", dict(HEADS._made))
    monkeypatch.setattr(settings_module, "_DESCRIBED", {})


def test_it_is_offered_trains_is_saved_and_predicts(installed, make_config, tmp_path):
    assert "dot" in settings()["head"].choices
    config = make_config(tmp_path / "run").with_settings(
        {"head": "dot", "head_settings": "width: 4", "max_steps": 6}
    )
    assert train(config) is not None
    predictor = distmat.load(tmp_path / "run")
    assert predictor.network.config.head == {"width": 4}
    predicted = predictor.predict("ALALALALAL").distances
    assert predicted.shape == (10, 10)
    np.testing.assert_allclose(predicted, predicted.T)
    shape = shape_of(predictor.network.config.encoder.to_dict())
    assert estimate_memory(config, shape).total > 0
    assert config.head_kind.parameters(config, 16) == 2 * (16 + 1) * 4 + 1


def test_a_wrong_setting_of_it_is_named(installed, make_config, tmp_path):
    config = make_config(tmp_path / "run")
    with pytest.raises(ConfigError, match="width is 0; it must lie between 1 and 512"):
        config.with_settings({"head": "dot", "head_settings": {"width": 0}})
    with pytest.raises(ConfigError, match="There is no setting 'widht'; did you mean 'width'"):
        config.with_settings({"head": "dot", "head_settings": "widht: 3"})


def test_a_head_whose_package_cannot_be_imported_is_told(installed, tmp_path, make_config):
    (tmp_path / "site" / "dot_head.py").write_text("import nothing_of_this_name\n")
    with pytest.raises(ConfigError, match="The head 'dot' can't be loaded from dot_head:DotKind"):
        make_config(tmp_path / "run").with_settings({"head": "dot"})
