"""Heatmaps: ranks, places, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from wsigraph.data.heatmap import Heatmap
from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.errors import GraphError
from wsigraph.evaluation.heatmap import attention_heatmap, extent, probability_heatmap, rasterise


def graph(n: int, **options) -> SpatialGraph:
    pos = torch.tensor([[512.0 * (i % 3) + 256, 512.0 * (i // 3) + 1256] for i in range(n)]).reshape(n, 2)
    return SpatialGraph(
        torch.zeros(n, 4), pos=pos, slide_id="A1", **{"patch_size": 512, "mpp": 0.25, **options}
    )


def test_values_are_percentile_ranks_with_ties_shared():
    attention = torch.tensor([0.4, 0.1, 0.1, 0.3, 0.1])
    found = attention_heatmap(graph(5), attention)
    assert found.values.tolist() == [100.0, 25.0, 25.0, 75.0, 25.0]
    np.testing.assert_allclose(found.raw, [0.4, 0.1, 0.1, 0.3, 0.1], rtol=1e-6)
    assert found.coords[0].tolist() == [0.0, 1000.0]
    assert (found.patch_size, found.mpp, found.limits) == (512.0, 0.25, (0.0, 100.0))
    assert "percentile rank among the patches of the slide (5)" in found.meaning


def test_ranks_do_not_depend_on_scale_and_a_column_is_taken():
    attention = torch.rand(9, generator=torch.Generator().manual_seed(0))
    plain = attention_heatmap(graph(9), attention).values
    assert (attention_heatmap(graph(9), (attention[:, None] * 1e-6)).values == plain).all()


@pytest.mark.parametrize("n", [1, 4])
def test_one_patch_or_equal_attention_is_the_middle(n):
    assert attention_heatmap(graph(n), torch.full((n,), 1 / n)).values.tolist() == [50.0] * n


def test_probabilities_are_shown_as_they_are():
    found = probability_heatmap(graph(2), torch.tensor([0.25, 0.75]), class_name="tumour")
    assert found.values.tolist() == found.raw.tolist() == [0.25, 0.75]
    assert found.meaning == "probability of 'tumour' per patch"
    with pytest.raises(GraphError, match=r"'A1': expected probabilities in 0..1, got 0.5 to 1.5"):
        probability_heatmap(graph(2), torch.tensor([0.5, 1.5]), class_name="tumour")


def test_refusals_name_the_slide_and_the_numbers():
    with pytest.raises(GraphError, match=r"'A1': expected attention of shape \[3\] \(3 patches\), got \[2\]"):
        attention_heatmap(graph(3), torch.ones(2))
    with pytest.raises(GraphError, match=r"got \[3, 2\].*one column"):
        attention_heatmap(graph(3), torch.ones(3, 2))
    with pytest.raises(GraphError, match=r"finite attention, got 1 NaN"):
        attention_heatmap(graph(2), torch.tensor([0.5, math.nan]))
    with pytest.raises(GraphError, match=r"known patch size .* no lattice step.*patch_size_level0"):
        attention_heatmap(graph(2, patch_size=math.nan), torch.ones(2))


def test_the_lattice_step_stands_in_for_an_unknown_patch_size():
    found = attention_heatmap(graph(2, patch_size=math.nan, step=512.0), torch.ones(2))
    assert found.patch_size == 512.0


def heatmap(coords, values, *, patch_size=10.0) -> Heatmap:
    values = np.asarray(values, dtype=float)
    return Heatmap(
        "A1", values, values, np.asarray(coords, dtype=float).reshape(-1, 2), patch_size, 0.5, "test"
    )


def test_raster_paints_each_patch_at_its_place():
    found = rasterise(heatmap([[100, 200], [120, 200], [100, 210]], [1, 2, 3]), px_per_patch=2)
    nan = math.nan
    reference = [[1, 1, nan, nan, 2, 2]] * 2 + [[3, 3, nan, nan, nan, nan]] * 2
    np.testing.assert_array_equal(found, reference)
    box = extent(heatmap([[100, 200], [120, 200], [100, 210]], [1, 2, 3]))
    assert (box.x, box.y, box.width, box.height) == (100, 200, 30, 20)


def test_a_full_lattice_leaves_no_gap_at_any_scale():
    coords = np.stack(np.meshgrid(np.arange(7), np.arange(5)), -1).reshape(-1, 2) * 511.0
    for scale in (0.5, 1, 3, 4):
        found = rasterise(heatmap(coords, np.arange(35), patch_size=511.0), px_per_patch=scale)
        assert not np.isnan(found).any()


def test_overlapping_patches_are_averaged():
    found = rasterise(heatmap([[0, 0], [5, 0]], [1, 3]), px_per_patch=2)
    np.testing.assert_array_equal(found, [[1, 2, 3]] * 2)


def test_raster_refuses_nothing_and_too_much():
    with pytest.raises(GraphError, match="at least one patch, got none"):
        rasterise(heatmap(np.zeros((0, 2)), []), px_per_patch=1)
    with pytest.raises(GraphError, match=r"at most \d+ pixels, got .* Use a smaller px_per_patch"):
        rasterise(heatmap([[0, 0], [1e6, 1e6]], [0, 1]), px_per_patch=100)
