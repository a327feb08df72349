import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from distmat.figures.printed import PrintedLine, curves_svg, halves_svg


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter() if element.text]


@pytest.mark.parametrize("logarithmic", [False, True])
def test_curves_are_svg_with_their_words_as_text(logarithmic):
    x = np.arange(5)
    lines = [PrintedLine(x, x + 1.0, "模型"), PrintedLine(x, x + 2.0, "基线", dashed=True)]
    svg = curves_svg(lines, "步数", "距离 MAE（Å）", logarithmic)
    words = " ".join(texts(svg))
    assert all(word in words for word in ("步数", "距离 MAE（Å）", "模型", "基线"))
    assert "stroke-dasharray" in svg


def test_what_is_not_positive_is_left_out_of_a_logarithmic_figure():
    x = np.arange(4)
    svg = curves_svg([PrintedLine(x, np.array([1.0, 0.0, -1.0, np.nan]))], "x", "y", True)
    assert ElementTree.fromstring(svg) is not None


def test_a_label_stays_text():
    svg = curves_svg([PrintedLine(np.arange(2), np.ones(2), "<script>")], "x", "y")
    assert "<script" not in svg


def test_a_map_has_both_halves_and_its_unit():
    rng = np.random.default_rng(0)
    true = rng.uniform(4, 20, (12, 12))
    true[3] = np.nan
    svg = halves_svg(true + 1, true, "i, j")
    assert "Å" in " ".join(texts(svg))
    assert "<image" in svg


def test_the_same_figure_is_the_same_bytes():
    line = [PrintedLine(np.arange(3), np.arange(3) ** 2.0)]
    assert curves_svg(line, "x", "y") == curves_svg(line, "x", "y")
