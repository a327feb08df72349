import numpy as np

from distmat.figures.sweep import parallel_coordinates, sweep_scatter


def test_a_scatter_has_the_baseline_beside_every_run():
    figure = sweep_scatter(
        "learning_rate", [1e-5, 1e-4, 1e-2], "MAE (Å)", [5.0, 4.5, None], [6.6] * 3, ["a", "b", "c"]
    )
    baseline, runs = figure.data
    assert baseline.name == "knowing only the separation" and list(baseline.y) == [6.6] * 3
    assert runs.y[:2] == (5.0, 4.5) and np.isnan(runs.y[2])
    assert figure.layout.xaxis.type == "log"
    words = sweep_scatter("head", ["pair", None], "r", [0.5, 0.6], [0.4, 0.4], ["a", "b"])
    assert list(words.data[1].x) == ["pair", "–"] and words.layout.xaxis.type == "category"


def test_each_run_with_a_score_is_a_line_through_its_settings():
    figure = parallel_coordinates(
        {"rate": [1e-5, 1e-2, 1], "layers": [2, 4, 8], "head": ["pair", "placeholder", "pair"]},
        "MAE (Å)",
        [5.0, None, 4.0],
    )
    (lines,) = figure.data
    rate, layers, head, score = lines.dimensions
    np.testing.assert_allclose(rate["values"], [-5, 0])
    assert list(layers["values"]) == [2, 8]
    assert list(head["values"]) == [0, 0] and list(head["ticktext"]) == ["pair"]
    assert list(score["values"]) == [5.0, 4.0]
