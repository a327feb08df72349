from distmat.model.model_card import SCORES, WITH_LIBRARY, read_measured_scores
from distmat.workspace import checkpoint_path

CARD = """\
# small

## How good it is

On *ten* chains,
by hand:

| score | small | baseline |
|---|---|---|
| MAE, Å | **4.9** | 6.6 |
| r | 0.6 | 0.5 |

Afterwards.

| another | table |
|---|---|
| 1 | 2 |

## What it is

No table.
"""


def test_the_first_table_of_a_section_is_read_with_what_stands_before_it(tmp_path):
    (tmp_path / "README.md").write_text(CARD, encoding="utf-8")
    measured = read_measured_scores(tmp_path, SCORES)
    assert measured.text == "On *ten* chains, by hand:"
    assert measured.rows == (
        {"score": "MAE, Å", "small": "**4.9**", "baseline": "6.6"},
        {"score": "r", "small": "0.6", "baseline": "0.5"},
    )


def test_without_a_card_a_section_or_a_table_there_are_no_scores(tmp_path):
    assert read_measured_scores(tmp_path, SCORES) is None
    (tmp_path / "README.md").write_text(CARD, encoding="utf-8")
    assert read_measured_scores(tmp_path, WITH_LIBRARY) is None
    assert read_measured_scores(tmp_path, "What it is") is None
    (tmp_path / "README.md").write_bytes(b"\xff\xfe")
    assert read_measured_scores(tmp_path, SCORES) is None


def test_the_card_that_ships_has_the_baseline_beside_every_score():
    for section in (SCORES, WITH_LIBRARY):
        measured = read_measured_scores(checkpoint_path("mini"), section)
        assert "knowing only separation" in str(measured.rows) + str(list(measured.rows[0]))
