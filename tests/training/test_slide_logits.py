"""What the task's answer is made of: each level's own head, or sums of the finest where it has none."""

from __future__ import annotations

import numpy as np
import torch
from torch_geometric.data import Batch

from wsigraph.data.label_tree.build import tree_from_dict
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.testing.recipes import graphs_of
from wsigraph.testing.slides import make_slides
from wsigraph.training.recipe import Recipe, recipe
from wsigraph.training.slide_logits import slide_logits

DEEP = tree_from_dict(
    {"x": {"x1": ("a", "b"), "x2": ("c",)}, "y": {"y1": ("d", "e")}}, levels=("top", "mid", "leaf")
)


def answer(method):
    model = method.build()[0].double().eval()
    return model(Batch.from_data_list(graphs_of(make_slides(6))))


def test_classes_are_the_logits_of_the_first_head():
    method = recipe("abmil", in_channels=6, classes=["a", "b"])
    seen = answer(method)
    assert torch.equal(slide_logits(method, seen), seen.logits)


def test_each_level_is_told_by_its_own_head():
    method = recipe("hmil", in_channels=6, task=Hierarchy(DEEP))
    seen = answer(method)
    heads = [seen.head(name).logits for name in ("fine", "level_1", "coarse")]
    assert torch.equal(slide_logits(method, seen), torch.cat(heads, 1))


def test_a_level_without_a_head_is_summed_from_the_finest():
    method = recipe("abmil", in_channels=6, task=Hierarchy(DEEP))
    seen = answer(method)
    found = method.make_task().answer(slide_logits(method, seen)).detach().numpy()
    p = seen.logits.softmax(1).detach().numpy()
    np.testing.assert_allclose(found[:, :5], p, atol=1e-12)
    mid = np.stack([p[:, 0] + p[:, 1], p[:, 2], p[:, 3] + p[:, 4]], 1)
    np.testing.assert_allclose(found[:, 5:8], mid, atol=1e-12)
    np.testing.assert_allclose(found[:, 8:], np.stack([mid[:, 0] + mid[:, 1], mid[:, 2]], 1), atol=1e-12)


def test_a_middle_head_may_be_missing():
    values = recipe("hmil", in_channels=6, task=Hierarchy(DEEP)).to_dict()
    values["heads"].pop("level_1")
    values["terms"] = {"ce_fine": values["terms"]["ce_fine"], "ce_coarse": values["terms"]["ce_coarse"]}
    method = Recipe.from_dict(values)
    seen = answer(method)
    found = slide_logits(method, seen)
    assert torch.equal(found[:, 8:], seen.head("coarse").logits)
    p = seen.head("fine").logits.softmax(1)
    torch.testing.assert_close(found[:, 5:8].exp()[:, 0], p[:, 0] + p[:, 1], rtol=1e-10, atol=0)
