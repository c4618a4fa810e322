"""Whether the compiled kernels of this machine compute what the reference computes."""

from __future__ import annotations

from wsigraph.pipelines.doctor.fault import Fault

NODES, HEADS, CHANNELS = 64, 2, 4
TOLERANCE = 1e-4
"""Largest difference of outputs and gradients of order 1, in single precision."""


def check_kernels(device: str = "cpu") -> tuple[str, tuple[Fault, ...]]:
    """Graph attention through its fused operator beside the plain-torch reference, forwards and backwards.

    Args:
        device: Where, ``"cpu"`` (Numba) or ``"cuda"`` (Triton).

    Returns: A line for a person, and what is wrong.
    """
    name = "numba" if device == "cpu" else "triton"
    try:
        off = _difference(device)
    except Exception as error:  # a compiler fails in its own ways: each means that kernels are off
        told = f"{name} fails: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        return told, (Fault("kernels", f"{name} kernels", told),)
    if not off <= TOLERANCE:
        told = f"{name} differs from the reference by {off:.1e}"
        return told, (Fault("kernels", f"{name} kernels", told),)
    return f"{name} equals the reference (within {off:.0e})", ()


def _difference(device: str) -> float:
    """Largest difference of output and gradients on a ring of nodes, each joined to four."""
    import torch

    from wsigraph.data.adjacency import Adjacency
    from wsigraph.nn.kernels import reference
    from wsigraph.nn.kernels.attention import graph_attention

    draw = torch.Generator().manual_seed(0)
    h = torch.randn(NODES, HEADS, CHANNELS, generator=draw).to(device).requires_grad_()
    logits = torch.randn(2, NODES, HEADS, generator=draw).to(device).requires_grad_()
    target = torch.arange(NODES).repeat_interleave(4)
    source = (target + torch.tensor([1, 2, -1, -2]).repeat(NODES)) % NODES
    edges = torch.stack([source, target]).to(device)
    ours, _ = graph_attention(h, logits[0], logits[1], adjacency=Adjacency.of(edges, NODES))
    theirs, _ = reference.graph_attention(
        h, logits[0], logits[1], edge_index=edges, negative_slope=0.2, keep=None
    )
    weight = torch.randn(ours.shape, generator=draw).to(device)
    sides = [
        (out.detach(), *torch.autograd.grad((out * weight).sum(), (h, logits))) for out in (ours, theirs)
    ]
    return max(float((one - other).abs().max()) for one, other in zip(*sides, strict=True))
