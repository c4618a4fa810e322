"""Recipes of set methods: their terms stand in the total as published, and they learn a toy cohort."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Batch, Data

from wsigraph.training.recipe import recipe

WEIGHTS = {
    "mean_pool": {"ce": 1.0},
    "max_pool": {"ce": 1.0},
    "abmil_ungated": {"ce": 1.0},
    "aem": {"ce": 1.0, "attention_entropy": 0.1},
    "clam_sb": {"ce": 0.7, "instance": 0.3},
    "clam_mb": {"ce": 0.7, "instance": 0.3},
    "dsmil": {"instance_stream": 0.5, "bag_stream": 0.5},
    "acmil": {"ce": 1.0, "ce_branches": 1.0, "attention_diversity": 1.0},
    "dtfd_maxmins": {"ce": 1.0, "ce_pseudo_bags": 1.0},
    "dtfd_afs": {"ce": 1.0, "ce_pseudo_bags": 1.0},
}


def toy(num_slides=8, size=30):
    """Synthetic slides: a third of the patches of class 1 are shifted."""
    generator = torch.Generator().manual_seed(0)
    graphs = []
    for number in range(num_slides):
        x = torch.randn(size, 8, generator=generator)
        x[: size // 3, :3] += 2.5 * (number % 2)
        graphs.append(Data(x=x, edge_index=torch.empty(2, 0, dtype=torch.long)))
    return Batch.from_data_list(graphs), torch.arange(num_slides) % 2


def built(name, **changes):
    method = recipe(name, in_channels=8, classes=("normal", "tumour"))
    return method.with_settings(changes).build() if changes else method.build()


@pytest.mark.parametrize("name", WEIGHTS)
def test_terms_stand_in_the_total_with_their_published_weights(name):
    model, objectives = built(name)
    batch, target = toy()
    loss = objectives(model.eval(), batch, target=target)
    assert set(loss.terms) == set(WEIGHTS[name])
    wanted = sum(weight * loss.terms[term].item() for term, weight in WEIGHTS[name].items())
    assert loss.total.item() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("name", WEIGHTS)
def test_learns_a_toy_cohort(name):
    model, objectives = built(name)
    batch, target = toy()
    optimiser = torch.optim.AdamW([*model.parameters(), *objectives.parameters()], lr=1e-2)
    model.train()
    objectives.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for _ in range(60):
            total = objectives(model, batch, target=target).total
            assert torch.isfinite(total)
            optimiser.zero_grad()
            total.backward()
            optimiser.step()
    logits = model.eval()(batch).logits
    assert torch.equal(logits.argmax(1), target)
    assert torch.nn.functional.cross_entropy(logits, target) < 0.4  # chance is .69; linear recipes are slow


def test_clam_takes_more_than_two_classes_as_exclusive():
    subtyping = {
        name: recipe(name, in_channels=8, classes=tuple("abc"[:n])).terms["instance"].options["subtyping"]
        for name, n in (("clam_sb", 2), ("clam_mb", 3))
    }
    assert subtyping == {"clam_sb": False, "clam_mb": True}


def test_dtfd_clips_at_5_and_dsmil_learns_slowly():
    assert recipe("dtfd_afs", in_channels=8, classes=("a", "b")).optimiser.clip_norm == 5.0
    assert recipe("dsmil", in_channels=8, classes=("a", "b")).optimiser.lr == 1e-4


def test_aem_is_abmil_with_one_more_term():
    one, other = (recipe(name, in_channels=8, classes=("a", "b")).to_dict() for name in ("abmil", "aem"))
    assert other["terms"].pop("attention_entropy")["weight"] == 0.1
    other["terms"]["ce"]["view"] = "clean"  # said aloud there
    assert other | {"name": "abmil"} == one


def test_the_distillation_of_dtfd_is_chosen_by_name():
    values = recipe("dtfd_afs", in_channels=8, classes=("a", "b")).to_dict()
    values["heads"]["bag"]["distil"] = "maxmins"
    values["name"] = "dtfd_maxmins"
    assert values == recipe("dtfd_maxmins", in_channels=8, classes=("a", "b")).to_dict()
