"""The sentences and comparisons that all checks of model parts share."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from wsigraph.errors import GraphError

TOLERANCE = 1e-9
"""Between equal computations in float64 that sum in another order."""


def require(holds: bool, who: str, what: str, got: str) -> None:
    """Raise AssertionError unless ``holds``."""
    if not holds:
        raise AssertionError(f"{who}: expected {what}, got {got}.")


def require_equal(
    one: Tensor | None, other: Tensor | None, *, who: str, what: str, tolerance: float = TOLERANCE
) -> None:
    """Require two tensors (or two Nones) to be equal, bit for bit where ``tolerance`` is 0."""
    if one is None or other is None:
        require(one is other, who, what, "a value on one side only")
        return
    require(one.shape == other.shape, who, what, f"shapes {list(one.shape)} and {list(other.shape)}")
    require_finite(one, who=who, what=what)
    require_finite(other, who=who, what=what)
    gap = float((one - other).detach().abs().max()) if one.numel() else 0.0
    scale = 1.0 + (float(other.detach().abs().max()) if other.numel() else 0.0)
    require(gap <= tolerance * scale, who, what, f"a difference of {gap:.2g}")


def require_finite(value: Tensor, *, who: str, what: str) -> None:
    """Require that nothing is NaN or infinite."""
    bad = int((~torch.isfinite(value)).sum())
    require(bad == 0, who, f"{what}, in finite numbers", f"{bad} NaN or inf of {value.numel()}")


def require_shape(value: Tensor, shape: Iterable[int], *, who: str, what: str) -> None:
    """Require a shape."""
    require(tuple(value.shape) == tuple(shape), who, f"{what} {list(shape)}", f"{list(value.shape)}")


def require_gradients(run: Callable[..., Tensor], inputs: tuple[Tensor, ...], *, who: str) -> None:
    """Require that autograd agrees with finite differences in float64."""
    leaves = tuple(i.detach().clone().requires_grad_() for i in inputs)
    try:
        torch.autograd.gradcheck(run, leaves, eps=1e-6, atol=1e-5, rtol=1e-4, fast_mode=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise AssertionError(
            f"{who}: expected gradients that finite differences confirm, got {reason}"
        ) from error


def require_used(part: nn.Module, value: Tensor, *, who: str) -> None:
    """Require that every parameter has a say in ``value``."""
    named = [(name, p) for name, p in part.named_parameters() if p.requires_grad]
    if not named:
        return
    grads = torch.autograd.grad(value, [p for _, p in named], allow_unused=True)
    idle = [name for (name, _), grad in zip(named, grads, strict=True) if grad is None]
    require(not idle, who, "every parameter to be used", f"{idle} unused")
    for (name, _), grad in zip(named, grads, strict=True):
        assert grad is not None
        require_finite(grad, who=who, what=f"the gradient of {name}")


def require_round_trip(
    part: nn.Module, make: Callable[[], nn.Module], run: Callable[[Any], Tensor], *, who: str
) -> None:
    """Require that a new instance with the old one's state says the same, bit for bit."""
    twin = ready(make())
    try:
        twin.load_state_dict(copy.deepcopy(part.state_dict()))
    except RuntimeError as error:
        raise AssertionError(f"{who}: expected a state that a new instance takes, got {error}") from error
    require_equal(
        run(twin), run(part), who=who, what="the same output from a new instance with its state", tolerance=0
    )


def require_refused(run: Callable[[], Any], *, who: str, what: str) -> None:
    """Require GraphError."""
    try:
        run()
    except GraphError:
        return
    except Exception as error:
        raise AssertionError(f"{who}: expected GraphError for {what}, got {error!r}.") from error
    raise AssertionError(f"{who}: expected GraphError for {what}, got an answer.")


def ready(part: Any) -> Any:
    """The part in float64 and evaluation mode."""
    return part.double().eval()


def name_of(part: nn.Module) -> str:
    """How sentences call the part."""
    return type(part).__name__


def seeded(make: Callable[[], Any], *, seed: int = 0) -> Any:
    """Build a part from a seed; global random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()
