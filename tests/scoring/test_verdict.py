"""One verdict, whoever asks."""

import json
import math

import pytest

from distmat.scoring.verdict import CLEARLY, HARDLY, HEADLINES, judge


@pytest.mark.parametrize(
    ("model", "baseline", "kind"),
    [
        (4.0, 6.0, "better"),
        (89.9, 100.0, "better"),
        (90.1, 100.0, "little"),
        (98.0, 100.0, "little"),
        (98.1, 100.0, "none"),
        (101.9, 100.0, "none"),
        (102.1, 100.0, "worse"),
        (None, 6.0, "unknown"),
        (4.0, None, "unknown"),
        (math.nan, 6.0, "unknown"),
        (4.0, 0.0, "unknown"),
    ],
)
def test_the_gain_over_the_baseline_decides(model, baseline, kind):
    verdict = judge(model, baseline)
    assert verdict.kind == kind
    assert verdict.is_better == (kind in ("better", "little"))
    json.dumps(verdict.as_dict(), allow_nan=False)


def test_the_strongest_baseline_counts():
    assert judge(5.0, 6.0, 4.9).kind == judge(5.0, 4.9, None, math.nan).kind == "worse"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_reads_in_both_languages_with_both_numbers(language):
    for model in (4.0, 5.8, 6.0, 8.0):
        sentence = judge(model, 6.0).sentence(language)
        assert f"{model:.2f} Å" in sentence and "6.00 Å" in sentence
    assert judge(None, None).sentence(language).startswith(HEADLINES["unknown"][language])


def test_the_thresholds_lie_in_order():
    assert 0 < HARDLY < CLEARLY < 1
