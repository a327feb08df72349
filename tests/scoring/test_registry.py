"""A score is declared once: register one, and it is everywhere that scores are shown."""

import json
from dataclasses import replace

import numpy as np
import pytest

from distmat.cli import main
from distmat.protein.examples import examples
from distmat.report.document import run_report
from distmat.report.render import markdown
from distmat.scoring.map_scores import MAP_SCORES
from distmat.scoring.registry import PLACES, Registry, Score
from distmat.scoring.trace_scores import TRACE_SCORES
from distmat.training.config import TrainingConfig
from tests.pages.conftest import app, page, predictor  # noqa: F401
from tests.report.conftest import curve, facts  # noqa: F401


@pytest.fixture
def median():
    """A new score, as its author would add it to `distmat.scoring.map_scores`."""
    score = MAP_SCORES.register(
        Score(
            "median_error",
            "median error",
            "Median error",
            "中位误差",
            lambda pairs: float(np.median(abs(pairs.predicted - pairs.true))),
            unit="Å",
            higher_is_better=False,
            digits=2,
        )
    )
    yield score
    MAP_SCORES.remove(score.key)


def test_a_new_score_is_in_the_commands_table_and_json(median, capsys):
    path = str(next(example.path for example in examples() if example.key == "kunitz"))
    assert main(["predict", path]) == 0
    assert "median error (Å)" in capsys.readouterr().out
    assert main(["predict", path, "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)
    assert result["scores"]["map"]["model"]["median_error"] > 0
    assert result["scores"]["map"]["baseline"]["median_error"] > 0


def test_a_new_score_is_in_the_pages_table(median, page):  # noqa: F811
    page.run()
    page.button(key="example-kunitz").click().run()
    assert "median error (Å)" in list(page.table[1].value["score"])


@pytest.mark.parametrize(
    ("language", "name"), [("en", "Median error (Å)"), ("zh", "中位误差（Å）")]
)
def test_a_new_score_is_in_the_report(median, facts, language, name):  # noqa: F811
    logged = {f"eval_{kind}median_error": curve([7.7], [600]) for kind in ("", "baseline_")}
    more = replace(facts, metrics={**facts.metrics, **logged})
    text = markdown(run_report(more, language, others=[more]))
    rows = [line for line in text.splitlines() if name in line]
    assert len(rows) == 2 and "7.700" in rows[0]  # scores, and the comparison


def test_a_key_is_taken_once():
    with pytest.raises(ValueError, match="already"):
        MAP_SCORES.register(MAP_SCORES["mae"])
    with pytest.raises(ValueError, match="places"):
        Score("x", "x", "x", "x", len, places=("nowhere",))


@pytest.mark.parametrize("scores", [MAP_SCORES, TRACE_SCORES], ids=["map", "trace"])
def test_every_score_says_what_it_is_in_both_languages(scores: Registry):
    for score in scores:
        assert score.meaning.endswith(".") and set(score.places) <= set(PLACES)
        assert score.label("en") and score.label("zh")
        assert not score.ceiling or scores[score.ceiling]


@pytest.mark.parametrize("score", MAP_SCORES.list_shown("monitor"), ids=lambda score: score.key)
def test_a_checkpoint_can_be_chosen_by_what_says_so(score):
    assert TrainingConfig().with_settings({"choose_by": score.key})
