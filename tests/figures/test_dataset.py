"""Figures of datasets: what is drawn is what was counted."""

import numpy as np
import pytest

from distmat.figures import dataset as figures


def test_lengths_are_stacked_by_split_and_empty_splits_left_out():
    figure = figures.length_histogram({"train": [0, 3, 2], "val": [0, 1, 0], "test": [0, 0, 0]}, 16)
    assert [trace.name for trace in figure.data] == ["train", "val"]
    assert figure.layout.barmode == "stack"
    assert list(figure.data[0].y) == [0, 3, 2]
    assert figure.data[0].customdata[1].tolist() == [16, 31]


def test_distances_are_shares_of_all_pairs():
    figure = figures.distance_histogram([1, 3, 4], 2.0)
    assert list(figure.data[0].y) == [12.5, 37.5, 50.0]
    assert list(figure.data[0].x) == [1.0, 3.0, 5.0]


def test_sizes_are_shown_with_the_globular_line_and_never_too_many():
    lengths = np.arange(1, 10_001)
    figure = figures.gyration_scatter(
        lengths, np.sqrt(lengths), [str(k) for k in lengths], 2.2 * lengths**0.38
    )
    points, line = figure.data
    assert len(points.x) == 4000 and len(line.x) == 10_000
    np.testing.assert_allclose(points.y, np.sqrt(points.x), atol=0.06)
    assert [str(k) for k in points.x] == list(points.text)


def test_clusters_are_counted_by_doubling_sizes():
    figure = figures.cluster_sizes(np.array([1, 1, 1, 2, 3, 4, 9]))
    assert list(figure.data[0].x) == ["1", "2 – 3", "4 – 7", "8 – 15"]
    assert list(figure.data[0].y) == [3, 2, 1, 1]


@pytest.mark.parametrize("names", [("one",), ("one", "two")])
def test_composition_and_comparison_have_a_trace_for_each_dataset(names):
    bars = figures.composition_bars({name: {"A": 0.25, "L": 0.75} for name in names})
    assert [list(trace.y) for trace in bars.data] == [[25, 75]] * len(names)
    both = figures.compare_histograms({name: [2, 2] for name in names}, 2.0, "x", "Å")
    assert [trace.name for trace in both.data] == list(names)
    assert list(both.data[0].y) == [50, 50]


def test_nothing_to_show_is_an_empty_figure_and_no_error():
    assert figures.distance_histogram([], 2.0).data[0].y.size == 0
    assert len(figures.length_histogram({"train": [0]}, 16).data) == 0


def test_structure_content_is_in_percent():
    figure = figures.structure_bars({"helix": 0.4, "strand": 0.1, "other": 0.5})
    assert list(figure.data[0].y) == [40, 10, 50]
