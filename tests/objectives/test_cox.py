"""The partial likelihood: loops, a survival library, published numbers, known values."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch

from wsigraph.errors import RecipeError
from wsigraph.objectives.base import Sizes
from wsigraph.objectives.terms.cox import Cox, cox_loss

REMISSION = {  # weeks in remission of 42 leukaemia patients, + censored (Freireich et al. 1963)
    0: "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+",
    1: "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23",
}


def remission():
    rows = [(arm, text) for arm, line in REMISSION.items() for text in line.split()]
    arm = torch.tensor([float(a) for a, _ in rows], dtype=torch.float64)
    time = torch.tensor([float(t.rstrip("+")) for _, t in rows], dtype=torch.float64)
    return arm, time, torch.tensor([0.0 if t.endswith("+") else 1.0 for _, t in rows], dtype=torch.float64)


def draw(n, *, seed, tied=True):
    rng = np.random.default_rng(seed)
    time = rng.integers(1, max(2, n // 2), n).astype(float) if tied else rng.permutation(n) + 1.0
    risk, event = torch.from_numpy(rng.normal(size=n)), torch.from_numpy(rng.integers(0, 2, n).astype(float))
    return risk, torch.from_numpy(time), event


def by_loops(risk, time, event, ties):
    """The formulas of Breslow and Efron, one event time after the other."""
    r, t, e = risk.tolist(), time.tolist(), event.tolist()
    total, count = 0.0, 0
    for when in sorted(set(t)):
        dead = [i for i in range(len(r)) if t[i] == when and e[i]]
        at_risk = sum(math.exp(r[i]) for i in range(len(r)) if t[i] >= when)
        of_dead = sum(math.exp(r[i]) for i in dead)
        for place, i in enumerate(dead):
            share = place / len(dead) if ties == "efron" else 0.0
            total += r[i] - math.log(at_risk - share * of_dead)
            count += 1
    return -total / count if count else 0.0


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("seed", range(6))
def test_equals_loops_with_ties_and_censoring(ties, seed):
    risk, time, event = draw(3 + 4 * seed, seed=seed)
    assert cox_loss(risk, time, event, ties=ties).item() == pytest.approx(
        by_loops(risk, time, event, ties), rel=1e-12, abs=1e-14
    )


def test_ties_only_matter_where_there_are_some():
    risk, time, event = draw(20, seed=1, tied=False)
    assert cox_loss(risk, time, event, ties="efron") == cox_loss(risk, time, event, ties="breslow")
    risk, time, event = draw(20, seed=1)
    assert cox_loss(risk, time, event, ties="efron") < cox_loss(risk, time, event, ties="breslow")


def best_slope(x, time, event, ties):
    """The slope of one covariate with the largest partial likelihood, and that likelihood."""
    slope = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([slope], max_iter=100, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = cox_loss(slope * x, time, event, ties=ties)
        loss.backward()
        return loss

    optimiser.step(closure)
    return slope.item(), -closure().item() * int(event.sum())


@pytest.mark.parametrize(
    ("ties", "slope", "likelihood"), [("breslow", 1.5092, -86.3796), ("efron", 1.5721, -85.0084)]
)
def test_published_fit_of_the_remission_data(ties, slope, likelihood):
    """Breslow: Kleinbaum and Klein, Survival Analysis, ch. 3. Efron: what R's coxph gives."""
    x, time, event = remission()
    found, best = best_slope(x, time, event, ties)
    assert found == pytest.approx(slope, abs=6e-5)
    assert best == pytest.approx(likelihood, abs=6e-5)


def test_published_likelihood_of_no_effect():
    _, time, event = remission()
    null = -cox_loss(torch.zeros(42, dtype=torch.float64), time, event, ties="breslow").item() * 30
    assert null == pytest.approx(-93.98505, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_equals_lifelines_with_ties(seed):
    """lifelines knows Efron's ties only; two covariates, its own fit."""
    import pandas as pd
    from lifelines import CoxPHFitter

    rng = np.random.default_rng(seed)
    x = rng.normal(size=(60, 2))
    time = np.ceil(rng.exponential(np.exp(-x[:, 0])) * 5)
    event = rng.integers(0, 2, 60)
    table = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "time": time, "event": event})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its use of pandas is older than the pandas here
        fit = CoxPHFitter().fit(table, "time", "event", fit_options={"precision": 1e-12})
    weights = torch.from_numpy(fit.params_.to_numpy(copy=True)).requires_grad_()
    tensors = torch.from_numpy(x), torch.from_numpy(time), torch.from_numpy(event)
    loss = cox_loss(tensors[0] @ weights, *tensors[1:])
    assert -loss.item() * event.sum() == pytest.approx(fit.log_likelihood_, rel=1e-10)
    loss.backward()
    assert weights.grad.abs().max() < 1e-8  # its optimum is ours


def test_known_values():
    time, event = torch.tensor([1.0, 2.0, 3.0]), torch.ones(3)
    ignorant = cox_loss(torch.zeros(3), time, event).item()
    assert ignorant == pytest.approx((math.log(3) + math.log(2)) / 3)
    assert cox_loss(torch.tensor([2e3, 1e3, 0.0]), time, event).item() == 0.0  # the right order, surely
    assert cox_loss(torch.tensor([0.0, 1e3, 2e3]), time, event).item() == pytest.approx(1e3)


def test_a_constant_does_not_matter():
    risk, time, event = draw(30, seed=2)
    assert cox_loss(risk + 50, time, event).item() == pytest.approx(cox_loss(risk, time, event).item())


@pytest.mark.parametrize(
    ("time", "event"),
    [([1.0], [1.0]), ([1.0, 2.0, 3.0], [0.0, 0.0, 0.0]), ([1.0, 2.0, 3.0], [0.0, 0.0, 1.0]), ([], [])],
)
def test_nothing_to_compare_is_zero_with_a_zero_gradient(time, event):
    risk = torch.linspace(-1, 1, len(time)).requires_grad_()
    loss = cox_loss(risk, torch.tensor(time), torch.tensor(event))
    loss.backward()
    assert loss.item() == 0.0
    assert (risk.grad == 0).all()


def test_a_slide_censored_at_the_time_of_an_event_is_at_risk_then():
    both = cox_loss(torch.zeros(2), torch.tensor([5.0, 5.0]), torch.tensor([1.0, 0.0]))
    assert both.item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_gradients(ties):
    risk, time, event = draw(9, seed=4)
    assert torch.autograd.gradcheck(lambda r: cox_loss(r, time, event, ties=ties), (risk.requires_grad_(),))


def test_what_cannot_be():
    one = Sizes(in_channels=6, node_channels=8, num_classes=1)
    with pytest.raises(RecipeError, match=r"expected ties 'efron' or 'breslow', got 'exact'"):
        Cox(one, ties="exact")
    with pytest.raises(RecipeError, match="expected a head of 1 output, got 2"):
        Cox(Sizes(in_channels=6, node_channels=8, num_classes=2))
    with pytest.raises(RecipeError, match=r"expected a target of shape \[3, 2\], got \[3\]"):
        Cox(one).loss(torch.zeros(3, 1), torch.arange(3))
