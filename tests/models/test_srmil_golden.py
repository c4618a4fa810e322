"""SRMIL against the numbers of its authors' code: outputs, attention, losses, gradients, training steps.

``WSIGRAPH_GOLDEN`` names the file; graph, sizes, classes and weights are read from it. A second set of
numbers in the same layout, of other sizes and on a directed graph, comes from the plain form in
``benchmarks``.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn
from torch_geometric.data import Data

from wsigraph.training.module import MILModule
from wsigraph.training.recipe import recipe

ROOT = Path(__file__).parents[2]
AUTHORS = pytest.param("authors' code", marks=pytest.mark.golden)
PLAIN = "plain form, directed graph"
NAMES = {
    "reformer.0": "model.encoder.linear",
    "encoder.gat_layers": "model.encoder.layers",
    "encoder_to_decoder": "objectives.terms.reconstruction.bridge",
    "decoder.gat_layers.0": "objectives.terms.reconstruction.hidden",
    "decoder.gat_layers.1": "objectives.terms.reconstruction.last",
    "classifier": "model.heads.bag.classify",
    "enc_mask_token": "model.views.masked.token",
    "dec_mask_token": "objectives.terms.reconstruction.token",
    "super_tokens": "model.views.clean.token",
    ".fc.": ".project.",
    ".res_fc.": ".shortcut.",
    ".attn_l": ".attend_src",
    ".attn_r": ".attend_dst",
}
"""Parameter names of the authors -> ours; the longest beginning wins."""


def our_name(name):
    for old in sorted(NAMES, key=len, reverse=True):
        if old.startswith("."):
            name = name.replace(old, NAMES[old])
        elif name.startswith(old):
            name = NAMES[old] + name[len(old) :]
    return name


def read(path):
    with safe_open(path, "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, file.metadata()  # noqa: SIM118


def naive_module():
    spec = importlib.util.spec_from_file_location("naive_srmil", ROOT / "benchmarks" / "naive_srmil.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def theirs_of(name, naive):
    """The authors' name of a parameter of the plain form."""
    ours = naive.our_name(name)
    for old in sorted(NAMES, key=len, reverse=True):
        new = NAMES[old]
        ours = ours.replace(new, old) if old.startswith(".") else ours.replace(new, old, 1)
    return ours


def plain_form(*, w_gen=1.3, w_ce=0.6, steps=4):
    """Numbers of the plain form on a directed graph: 20 channels, 3 classes, 2 heads of 6."""
    naive = naive_module()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        net = naive.NaiveSRMIL(naive.Sizes(20, 3, heads=2, head_channels=6), w_gen=w_gen, w_ce=w_ce).eval()
        x, edges = torch.randn(30, 20), torch.randint(30, (2, 170))
        masks = torch.stack([torch.randperm(30)[:21] for _ in range(steps)])
    target = torch.tensor([2])
    named = {theirs_of(name, naive): p for name, p in net.named_parameters()}
    tensors = {f"param.{name}": p.detach().clone() for name, p in named.items()}
    out = net(x, edges, mask_of(masks[0], 30), target)
    out["total"].backward()
    tensors |= {f"gradnorm.{name}": p.grad.norm().view(1) for name, p in named.items()}
    rebuilt = out["rebuilt"][masks[0].argsort().argsort()]  # in the order of the mask
    tensors |= {
        "in.x": x, "in.mask": masks[0], "in.label": nn.functional.one_hot(target, 3).float(),
        "graph.edge_index": edges, "out.logits": out["logits"], "out.logits_masked": out["logits_masked"],
        "out.embedding_masked": out["embedding"], "out.supernode_attention": out["attention"],
        "out.reconstruction_masked_nodes": rebuilt, "train.masks": masks,
    }  # fmt: skip
    tensors |= {f"loss.{k}": out[k].view(1) for k in ("ce", "ce_masked", "reconstruction", "total")}
    optimiser = torch.optim.AdamW(net.parameters(), lr=5e-4, weight_decay=1e-5)
    totals = []
    for mask in masks:
        optimiser.zero_grad()
        total = net(x, edges, mask_of(mask, 30), target)["total"]
        total.backward()
        optimiser.step()
        totals.append(total.detach())
    facts = {"heads": "2", "hidden_per_head": "6", "w_gen": str(w_gen), "w_ce": str(w_ce), "mask_rate": "0.7"}
    return {k: v.detach() for k, v in tensors.items()} | {"train.total": torch.stack(totals)}, facts


@pytest.fixture(scope="module", params=[AUTHORS, PLAIN])
def golden(request):
    return plain_form() if request.param == PLAIN else read(request.getfixturevalue("golden_file"))


@pytest.fixture
def networks(golden):
    """``srmil_code`` with the file's sizes, weights and parameters, dropout off."""
    tensors, facts = golden
    heads, w_gen, w_ce = int(facts["heads"]), float(facts["w_gen"]), float(facts["w_ce"])
    classes = [f"class {i}" for i in range(tensors["in.label"].shape[-1])]
    changes = {
        "encoder.heads": heads,
        "encoder.hidden_channels": heads * int(facts["hidden_per_head"]),
        "heads.bag.heads": heads,
        "heads.bag.hidden_channels": len(tensors["param.classifier.0.bias"]),
        "views.masked.rate": float(facts["mask_rate"]),
        "terms.reconstruction.heads": heads,
        "terms.reconstruction.weight": w_gen,
        "terms.ce.weight": (2 - w_gen) * w_ce,
        "terms.ce_masked.weight": (2 - w_gen) * (2 - w_ce),
    }
    method = recipe("srmil_code", in_channels=tensors["in.x"].shape[1], classes=classes).with_settings(
        changes
    )
    model, objectives = method.build()
    ours = dict(nn.ModuleDict({"model": model, "objectives": objectives}).named_parameters())
    given = {our_name(k.removeprefix("param.")): v for k, v in tensors.items() if k.startswith("param.")}
    assert set(given) == set(ours)
    with torch.no_grad():
        for name, value in given.items():
            ours[name].copy_(value.view_as(ours[name]))
    return MILModule(model, objectives, recipe=method, seed=0).eval()


def mask_of(indices, num_nodes):
    if indices.dtype == torch.bool:
        return indices
    return torch.zeros(num_nodes, dtype=torch.bool).index_fill_(0, indices.long(), True)


def loss_of(networks, tensors, indices):
    x = tensors["in.x"]
    graph = Data(x=x, edge_index=tensors["graph.edge_index"], num_nodes=len(x))
    target = tensors["in.label"].argmax(-1).view(1)
    masks = {"masked": mask_of(indices, len(x))}
    return networks.objectives(networks.model, graph, target=target, masks=masks)


def assert_same(got, want, *, what):
    gap = float((got.detach() - want.view(got.shape)).abs().max())
    assert gap <= 1e-5, f"{what}: off by {gap:.2g}"


def test_outputs_attention_and_losses(golden, networks):
    tensors, _ = golden
    loss = loss_of(networks, tensors, tensors["in.mask"])
    views = loss.views
    assert_same(views["clean"].logits, tensors["out.logits"], what="logits")
    assert_same(views["masked"].logits, tensors["out.logits_masked"], what="logits of the masked graph")
    into_hub = tensors["out.supernode_attention"]
    assert_same(views["clean"].attention, into_hub, what="attention into the supernode")
    assert_same(views["masked_patches"].nodes, tensors["out.embedding_masked"], what="embedding")
    rebuilt = networks.objectives.terms["reconstruction"].rebuild(views["masked_patches"])
    in_order = tensors["out.reconstruction_masked_nodes"][tensors["in.mask"].argsort()]
    assert_same(rebuilt, in_order, what="rebuilt features")
    for name, value in loss.terms.items():
        assert_same(value, tensors[f"loss.{name}"], what=name)
    assert_same(loss.total, tensors["loss.total"], what="total")


def test_gradient_norms(golden, networks):
    tensors, _ = golden
    loss_of(networks, tensors, tensors["in.mask"]).total.backward()
    norms = {name: float(p.grad.norm()) for name, p in networks.named_parameters()}
    for key, want in tensors.items():
        if key.startswith("gradnorm."):
            name = our_name(key.removeprefix("gradnorm."))
            assert norms.pop(name) == pytest.approx(float(want), rel=1e-4, abs=1e-10), name
    assert not norms


@pytest.mark.parametrize("golden", [PLAIN], indirect=True)
def test_training_steps(golden, networks):
    """The authors' file holds losses and gradients of one draw, and no step of an optimiser."""
    tensors, _ = golden
    optimiser = networks.configure_optimizers()["optimizer"]
    for step, mask in enumerate(tensors["train.masks"]):
        optimiser.zero_grad()
        total = loss_of(networks, tensors, mask).total
        total.backward()
        optimiser.step()
        assert_same(total, tensors["train.total"].flatten()[step], what=f"total of step {step}")


@pytest.mark.parametrize("golden", [AUTHORS], indirect=True)
def test_the_published_window_is_the_graph_of_the_file(golden):
    """Radius 2.84 grid steps and self-loops are ``window`` with 2 rings, as the recipe asks."""
    tensors, _ = golden
    from wsigraph.data.patch_features import PatchFeatures
    from wsigraph.graph.build import to_graph
    from wsigraph.graph.builders.window import Window

    pos = tensors["in.pos"].numpy()
    features = PatchFeatures("golden", tensors["in.x"].numpy(), pos, patch_size_level0=224, step_level0=224)
    window = set(map(tuple, to_graph(features, Window(rings=2)).edge_index.as_tensor().T.tolist()))
    wanted = set(map(tuple, tensors["graph.edge_index"].T.tolist()))
    assert window | {(v, v) for v in range(len(pos))} == wanted
