"""Every kernel compiles for a GPU, none being needed: what the interpreter accepts, the compiler may not."""

from __future__ import annotations

import pytest
import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from wsigraph.nn.kernels import (
    triton_aggregate,
    triton_attention,
    triton_attention_v2,
    triton_attention_v2_backward,
    triton_rows,
    triton_softmax,
)

MODULES = (
    triton_aggregate,
    triton_attention,
    triton_attention_v2,
    triton_attention_v2_backward,
    triton_rows,
    triton_softmax,
)
KERNELS = [v for module in MODULES for v in vars(module).values() if isinstance(v, triton.JITFunction)]
INDICES = {"other", "source", "target", "edge_of", "row_of", "first_of", "last_of", "length_of"}
SUMS = {"stats", "part_stats", "logits", "mean", "d_logit", "d_a", "partial"}
COMMON = {"slope": 0.2, "heads": 4, "has_keep": True, "has_logits": True, "has_weight": True, "block": 64}
SHAPES = {
    "even": {"width": 64, "block_e": 32, "block_d": 64, "is_part": False},
    "ragged": {"width": 5, "block_e": 8, "block_d": 8, "is_part": True},
}


def test_every_kernel_is_here():
    assert len(KERNELS) == 10


def types_of(kernel, kind, constants):
    """Triton's name for the type of each argument."""
    sums = "*fp64" if kind == "fp64" else "*fp32"
    types = {"num_edges": "i32", **dict.fromkeys(INDICES, "*i64"), **dict.fromkeys(SUMS, sums)}
    return {n: "constexpr" if n in constants else types.get(n, f"*{kind}") for n in kernel.arg_names}


@pytest.mark.parametrize(("kind", "shape"), [("fp32", "even"), ("bf16", "even"), ("fp64", "ragged")])
@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.__name__)
def test_compiles_for_hopper(kernel, kind, shape):
    constants = {"acc": tl.float64 if kind == "fp64" else tl.float32, **COMMON, **SHAPES[shape]}
    constants = {n: v for n, v in constants.items() if n in kernel.arg_names}
    types = types_of(kernel, kind, constants)
    places = {(kernel.arg_names.index(n),): v for n, v in constants.items()}
    aligned = {(i,): [["tt.divisibility", 16]] for i, t in enumerate(types.values()) if t[0] == "*"}
    source = ASTSource(kernel, types, constexprs=places, attrs=aligned)
    compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": 2})
    assert len(compiled.asm["cubin"]) > 0
    assert "atom" not in compiled.asm["ptx"]  # sums in no fixed order
