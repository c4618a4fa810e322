"""Slides of one patient are one graph of several frames: nothing is joined across them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import GraphError
from wsigraph.graph.build import to_graph
from wsigraph.graph.builders.edgeless import Edgeless
from wsigraph.graph.union import union


def slide(name, *, seed=0, step=512, mpp=0.25, channels=3, **facts):
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(7), np.arange(6)), axis=-1).reshape(-1, 2)
    grid = rng.permutation(grid[rng.random(len(grid)) > 0.3])
    x = rng.normal(size=(len(grid), channels)).astype(np.float32)
    facts = {"patch_size_level0": float(step), "step_level0": float(step), "mpp": mpp} | facts
    return to_graph(PatchFeatures(name, x, grid * step, **facts))


def test_edges_are_those_of_the_slides_and_no_others():
    slides = [slide("a", seed=1), slide("b", seed=2), slide("c", seed=3)]
    whole = union(slides, name="patient")
    start, wanted = 0, set()
    for one in slides:
        wanted |= {(a + start, b + start) for a, b in one.edge_index.T.tolist()}
        start += one.num_nodes
    assert set(map(tuple, whole.edge_index.T.tolist())) == wanted
    assert bool((whole.edge_index[1].diff() >= 0).all())
    assert torch.equal(whole.x, torch.cat([one.x for one in slides]))
    assert bool((whole.frame[whole.edge_index[0]] == whole.frame[whole.edge_index[1]]).all())
    # the same slides in one frame share positions, and would have been joined
    together = PatchFeatures(
        "p",
        whole.x.numpy(),
        np.concatenate([(one.pos.numpy() - 256).astype(np.int64) for one in slides]),
        step_level0=512.0,
    )
    assert len(wanted) < to_graph(together).num_edges


def test_the_card_counts_components_and_no_false_duplicate():
    slides = [slide("a", seed=1), slide("b", seed=2)]
    card = union(slides, name="p").card()
    assert card.components == sum(one.card().components for one in slides)
    assert card.longest_edge == max(one.card().longest_edge for one in slides)
    assert (card.duplicates, card.step, card.mpp, card.step_confidence) == (0, 512.0, 0.25, 1.0)


def test_each_slides_own_pixels_come_back():
    slides = [slide("a", seed=1, mpp=0.25, step=512), slide("b", seed=2, mpp=0.5, step=256)]
    whole = union(slides, name="p")
    assert (whole.mpp, whole.patch_size, whole.step) == (0.25, 512.0, 512.0)
    frames = json.loads(whole.frames)
    assert [frame["slide_id"] for frame in frames] == ["a", "b"]
    for number, (one, frame) in enumerate(zip(slides, frames, strict=True)):
        rows = whole.pos[whole.frame == number]
        back = (rows - torch.tensor([frame["x"], frame["y"]])) / frame["scale"]
        assert torch.allclose(back, one.pos.double(), atol=1e-6, rtol=0)
    assert float(whole.pos[whole.frame == 1, 0].min()) > float(whole.pos[whole.frame == 0, 0].max()) + 5 * 512


def test_unknown_mpp_stays_unknown():
    whole = union([slide("a"), slide("b", mpp=math.nan)], name="p")
    assert math.isnan(whole.mpp)
    assert [frame["scale"] for frame in json.loads(whole.frames)] == [1.0, 1.0]


def test_slides_without_coordinates_unite_too():
    bare = [
        to_graph(PatchFeatures(n, np.ones((4, 2), np.float32), np.empty((0, 2), np.int64)), Edgeless())
        for n in "ab"
    ]
    whole = union(bare, name="p")
    assert whole.pos is None
    assert whole.frame.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("other", "words"),
    [({"channels": 4}, "channels"), ({"encoder": "uni"}, "encoder"), ({"patch_px": 256}, "patch_px")],
)
def test_slides_of_different_kinds_are_refused_by_name(other, words):
    with pytest.raises(GraphError, match=rf"Union 'p': expected one kind of {words}.*'a'.*'b'"):
        union([slide("a"), slide("b", **other)], name="p")


def test_nothing_to_unite():
    with pytest.raises(GraphError, match="at least one graph"):
        union([], name="p")
