"""DSMIL against loops: the critical instance of each class, attention by likeness to it, two streams."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.data.bags import Bags
from wsigraph.nn.heads.dsmil import DSMIL
from wsigraph.testing.slides import make_slides
from wsigraph.training.recipe import recipe


def weights(layer):
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


def test_equals_loops():
    slides, head = make_slides(6), DSMIL(6, 3, query_channels=4).double().eval()
    (wi, bi), (wq, bq) = weights(head.instance), weights(head.query)
    (wv, bv), (wc, bc) = weights(head.value), weights(head.classify)
    out = head(slides.x, slides.bags)
    for slide in range(slides.num_graphs):
        rows = slides.rows(slide)
        x = slides.x[rows].numpy()
        scores = np.stack([wi @ row + bi for row in x])
        queries = [wq @ row + bq for row in x]
        values = [wv @ row + bv for row in x]
        vectors, highest = [], []
        for k in range(3):
            critical = int(np.argmax(scores[:, k]))
            likeness = np.array([q @ queries[critical] / 2.0 for q in queries])  # sqrt 4
            a = np.exp(likeness) / np.exp(likeness).sum()
            vectors.append(sum(share * value for share, value in zip(a, values, strict=True)))
            highest.append(scores[critical, k])
            np.testing.assert_allclose(out.attention_logits[rows, k].detach(), likeness, atol=1e-10)
            np.testing.assert_allclose(out.attention[rows, k].detach(), a, atol=1e-10)
        bag = wc @ np.concatenate(vectors) + bc
        np.testing.assert_allclose(out.node_logits[rows].detach(), scores, atol=1e-10)
        np.testing.assert_allclose(out.extras["instance_stream"][slide].detach(), highest, atol=1e-10)
        np.testing.assert_allclose(out.extras["bag_stream"][slide].detach(), bag, atol=1e-10)
        np.testing.assert_allclose(out.logits[slide].detach(), (bag + highest) / 2, atol=1e-10)
        np.testing.assert_allclose(out.embedding[slide].detach(), np.mean(vectors, 0), atol=1e-10)


def test_patches_like_the_critical_one_are_attended_to_and_others_are_not():
    head = DSMIL(2, 1, query_channels=2)
    with torch.no_grad():
        head.query.weight.copy_(10 * torch.eye(2))
        head.query.bias.zero_()
        head.instance.weight.copy_(torch.tensor([[1.0, 0.0]]))
    x = torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.9, 0.1], [-1.0, 0.0]])
    attention = head(x, Bags.of_sizes([4])).attention[:, 0]
    assert attention[[0, 2]].sum() > 0.999


def test_dropout_before_the_values_commutes_with_the_sum():
    slides, head = make_slides(6), DSMIL(6, 2, query_channels=4, dropout=0.5).double()
    rows = []
    head.dropout.register_forward_hook(lambda module, inputs, out: rows.append(out))
    torch.manual_seed(0)
    out = head(slides.x, slides.bags)
    value = head.value(rows[0])  # W_v on every patch, as the paper writes it
    for slide in range(slides.num_graphs):
        mine = slides.rows(slide)
        vectors = [(out.attention[mine, k : k + 1] * value[mine]).sum(0) for k in range(2)]
        torch.testing.assert_close(
            out.extras["bag_stream"][slide], head.classify(torch.cat(vectors)), rtol=0, atol=1e-10
        )


@pytest.mark.parametrize("encoder", ["gin", "gat", "mlp"])
def test_stands_on_any_encoder(encoder):
    values = recipe("dsmil", in_channels=6, classes=("a", "b", "c")).to_dict()
    values["encoder"] = {"name": encoder, "hidden_channels": 8}
    values["graph"] = {"name": "knn", "k": 8}
    method = type(recipe("dsmil", in_channels=6, classes=("a", "b"))).from_dict(values)
    model, objectives = method.build()
    slides = make_slides(6)
    graph = Graph(x=slides.x.float(), edge_index=slides.edge_index, batch=slides.batch, num_graphs=4)
    loss = objectives(model, graph, target=torch.tensor([0, 1, 2, 0]))
    loss.total.backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    answer = loss.views["clean"].head("bag")
    assert answer.node_logits.shape == answer.attention.shape == (18, 3)
    halves = [loss.terms[stream].item() for stream in ("instance_stream", "bag_stream")]
    assert loss.total.item() == pytest.approx(sum(halves) / 2, rel=1e-6)


class Graph(dict):
    """What a model reads of a PyG batch."""

    __getattr__ = dict.__getitem__
