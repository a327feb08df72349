import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from distmat.figures.colours import BASELINE_COLOUR, MODEL_COLOUR
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


@pytest.mark.parametrize(
    ("values", "expected"), [((4.1, 4.3), {"4.1", "4.2"}), ((1.5, 900.0), {"2", "50", "500"})]
)
def test_the_ticks_of_a_logarithmic_axis_are_plain_numbers(values, expected):
    svg = curves_svg([PrintedLine(np.arange(2), np.array(values))], "x", "y", True)
    ticks = {text for text in texts(svg) if text.strip()}
    assert expected <= ticks
    assert not any("10" in tick and "×" in tick for tick in ticks)


def test_the_model_and_the_baseline_have_the_colours_of_the_app():
    x = np.arange(3)
    svg = curves_svg([PrintedLine(x, x + 1.0), PrintedLine(x, x + 2.0, dashed=True)], "x", "y")
    assert MODEL_COLOUR in svg and BASELINE_COLOUR in svg


def test_a_label_stays_text():
    svg = curves_svg([PrintedLine(np.arange(2), np.ones(2), "<script>")], "x", "y")
    assert "<script" not in svg


def test_a_map_has_both_halves_and_its_unit():
    rng = np.random.default_rng(0)
    true = rng.uniform(4, 20, (12, 12))
    true[3] = np.nan
    svg = halves_svg(true + 1, true, "i, j")
    words = [text for text in texts(svg) if text.strip()]
    assert "Å" in words
    assert "<image" in svg
    # Residues are counted from 1, on both axes.
    assert words.count("1") == 2 and words.count("10") >= 2


def test_the_same_figure_is_the_same_bytes():
    line = [PrintedLine(np.arange(3), np.arange(3) ** 2.0)]
    assert curves_svg(line, "x", "y") == curves_svg(line, "x", "y")
