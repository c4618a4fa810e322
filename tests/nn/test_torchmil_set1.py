"""torchmil 1.0.2 beside ours by transferred weights: ABMIL, CLAM, DSMIL, DTFD-MIL, and where they differ.

The same: both attentions, the forward pass of CLAM, DSMIL's two streams, DTFD-MIL's AFS. Where they differ,
the test says who is right by the paper and its authors' code.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from wsigraph.nn.aggregators.attention import Attention
from wsigraph.nn.aggregators.gated_attention import GatedAttention
from wsigraph.nn.heads.bag import BagHead
from wsigraph.nn.heads.dsmil import DSMIL
from wsigraph.nn.heads.dtfd import DTFD
from wsigraph.objectives.smooth_svm import smooth_top1_svm
from wsigraph.testing.slides import make_slides

models = pytest.importorskip("torchmil.models")
SATURATED = 60.0
"""A gate with this bias and no weights is 1 in float64."""


def slide(size=12):
    one = make_slides(6, sizes=(size,))
    return one.x, one.bags


def take(layer, theirs):
    """Weights of one of their linear layers; where it has no bias, ours is 0."""
    theirs = getattr(theirs, "module", theirs)
    with torch.no_grad():
        layer.weight.copy_(theirs.weight)
        layer.bias.zero_() if theirs.bias is None else layer.bias.copy_(theirs.bias)


def take_attention(ours, theirs):
    take(ours.value, theirs.fc1)
    take(ours.score, theirs.fc2)
    if theirs.gated:
        take(ours.gate, theirs.fc_gated)
    elif not isinstance(ours, Attention):
        with torch.no_grad():
            ours.gate.weight.zero_()
            ours.gate.bias.fill_(SATURATED)


def assert_equal(ours, theirs, atol=1e-10):
    torch.testing.assert_close(ours.detach().flatten(), theirs.detach().flatten(), rtol=0, atol=atol)


@pytest.mark.parametrize(("pool", "gated"), [("attention", False), ("gated_attention", True)])
@pytest.mark.parametrize("model", ["ABMIL", "CLAM_SB"])
def test_attention_is_the_same(model, pool, gated):
    x, bags = slide()
    theirs = getattr(models, model)(in_shape=(6,), att_dim=5, gated=gated).double().eval()
    ours = BagHead(6, 1, aggregator={"name": pool, "hidden_channels": 5}, hidden_channels=0).double()
    assert isinstance(ours.aggregator, GatedAttention if gated else Attention)
    take_attention(ours.aggregator, theirs.pool)
    take(ours.classify[-1], theirs.classifier)
    logit, scores = theirs(x.unsqueeze(0), return_att=True)
    answer = ours(x, bags)
    assert_equal(answer.logits, logit)
    assert_equal(answer.attention_logits, scores)
    assert_equal(answer.attention, scores.softmax(1))


def test_dsmil_is_the_same_where_their_values_are_the_features():
    """Theirs has one output and, by default, no W_v: the paper's v_i = W_v h_i is the identity there."""
    x, bags = slide()
    theirs = models.DSMIL(in_shape=(6,), att_dim=4).double().eval()
    ours = DSMIL(6, 1, query_channels=4).double().eval()
    take(ours.query, theirs.q_nn)
    take(ours.instance, theirs.inst_classifier)
    take(ours.classify, theirs.bag_classifier)
    with torch.no_grad():
        ours.value.weight.copy_(torch.eye(6))
        ours.value.bias.zero_()
    bag, attention, of_patches = theirs(x.unsqueeze(0), return_att=True, return_inst_pred=True)
    answer = ours(x, bags)
    assert_equal(answer.extras["bag_stream"], bag)
    assert_equal(answer.attention, attention)
    assert_equal(answer.node_logits, of_patches)
    assert_equal(answer.logits, theirs.predict(x.unsqueeze(0)))  # both average the streams


@pytest.mark.parametrize("pseudo_bags", [1, 12])
def test_dtfd_afs_is_the_same_where_the_division_leaves_no_choice(pseudo_bags):
    """All patches in one pseudo-bag, or each in its own. Theirs has no gate; the authors' code has one."""
    x, bags = slide()
    theirs = (
        models.DTFDMIL(in_shape=(6,), att_dim=5, n_groups=pseudo_bags, distill_mode="afs").double().eval()
    )
    ours = DTFD(6, 1, distil="afs", pseudo_bags=pseudo_bags, hidden_channels=5).double().eval()
    take_attention(ours.first_scores, theirs.attention_pool)
    take_attention(ours.second_scores, theirs.u_attention_pool)
    take(ours.first_classify, theirs.classifier)
    take(ours.classify, theirs.u_classifier)
    logit, pseudo = theirs(x.unsqueeze(0), return_pseudo_pred=True)
    answer = ours(x, bags)
    assert_equal(answer.logits, logit)
    assert_equal(answer.extras["pseudo_logits"].sort(1).values, pseudo.sort(1).values)


def test_their_dtfd_maxmin_is_another_method():
    """By the paper MaxMinS keeps the highest and the lowest patch of a pseudo-bag: of one alone, 2 of 12
    patches. Theirs keeps every patch, twice: it cuts at the size of the pseudo-bag. It also ranks by W x_i
    where the paper's probability comes from a_i W x_i, and draws pseudo-bags at random in evaluation too.
    """
    x, bags = slide()
    theirs = models.DTFDMIL(in_shape=(6,), att_dim=5, n_groups=1, distill_mode="maxmin").double().eval()
    mask = torch.ones(1, 12, dtype=torch.float64)

    def read_by(answer, rows):
        return int((torch.autograd.grad(answer.sum(), rows)[0] != 0).any(-1).sum())

    rows = x.unsqueeze(0).requires_grad_()
    logit, cam = theirs(rows, mask, return_inst_cam=True)
    assert read_by(logit, rows) == 12
    assert_equal(cam, x @ theirs.classifier.module.weight.T)
    all_of_them = theirs.u_classifier(theirs.u_attention_pool(x.unsqueeze(0)))
    assert_equal(logit, all_of_them)  # the second tier's attention over the whole slide

    ours = DTFD(6, 2, distil="maxmins", pseudo_bags=1, hidden_channels=5).double().eval()
    mine = x.clone().requires_grad_()
    assert read_by(ours(mine, bags).logits, mine) == 2


def test_their_dtfd_answers_differently_each_time():
    x, bags = slide()
    theirs = models.DTFDMIL(in_shape=(6,), att_dim=5, n_groups=3, distill_mode="afs").double().eval()
    state = np.random.get_state()
    np.random.seed(0)
    answers = {round(theirs(x.unsqueeze(0)).item(), 10) for _ in range(5)}
    np.random.set_state(state)
    assert len(answers) > 1
    ours = DTFD(6, 1, distil="afs", pseudo_bags=3).double().eval()
    assert len({ours(x, bags).logits.item() for _ in range(5)}) == 1


def test_their_smooth_svm_is_not_the_loss_of_its_paper():
    r"""By Berrada et al. 2018 it is a soft maximum over the classes, :math:`\log(1 + e^{1 - g})` for two
    classes whose scores are g apart. Theirs takes targets of shape [M, 1], broadcasts them to [M, M, 2] and
    softens over the patches instead: one patch alone costs :math:`1 - g`, which falls without bound, so
    that their CLAM is rewarded for growing scores.
    """
    their_loss = pytest.importorskip("torchmil.nn.utils").SmoothTop1SVM(n_classes=2)
    for gap in (0.0, 0.5, 3.0, 20.0):
        scores = torch.tensor([[gap, 0.0]], dtype=torch.float64)
        mine = smooth_top1_svm(scores, torch.tensor([0])).item()
        theirs = their_loss(scores, torch.tensor([[0.0]]).double()).item()
        assert mine == pytest.approx(math.log(1 + math.exp(1 - gap)), rel=1e-10)
        assert theirs == pytest.approx(1 - gap, rel=1e-10)
    assert mine > 0 > theirs
    pair = torch.tensor([[3.0, 0.0], [0.0, 3.0]])
    right = their_loss(pair, torch.tensor([[0.0], [1.0]])).item()
    assert right != pytest.approx(smooth_top1_svm(pair, torch.tensor([0, 1])).mean().item(), abs=0.1)


def test_their_clam_takes_patches_of_small_slides_as_examples_of_both():
    """5 patches and k = 10: theirs labels each 1 and 0; ours takes 2 at either end, see ``clam_instance``."""
    theirs = models.CLAM_SB(in_shape=(6,), att_dim=5, k_sample=10).double()
    x, _ = slide(5)
    _, _, labels = theirs.inst_eval(torch.arange(5.0), x, theirs.inst_classifiers[0])
    assert labels.tolist() == [1] * 5 + [0] * 5
