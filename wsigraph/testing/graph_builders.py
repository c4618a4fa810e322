"""What every graph builder owes: test a new one with ``check_graph_builder(MyBuilder())``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import GraphError, expected
from wsigraph.graph.base import GraphBuilder

STEP = 512


def check_graph_builder(builder: GraphBuilder, *, seed: int = 0) -> None:
    """Check one builder on ragged tissue, tiny slides, duplicates and fragments.

    Args:
        builder: The builder with the arguments to be tested.
        seed: Of the tissue and the features.

    Raises: GraphError: naming the property that fails.
    """
    rng = np.random.default_rng(seed)
    tissue = _ragged(rng)
    for name, coords in {
        "ragged tissue": tissue,
        "tissue far from the origin": tissue - 10**6,
        "duplicates": np.concatenate([tissue[:40], tissue[:7], tissue[:3]]),
        **{f"{n} patches": tissue[:n] for n in (0, 1, 2, 3, 8, 9)},
        "a row of patches": np.stack([np.arange(12) * STEP, np.zeros(12, dtype=np.int64)], axis=1),
    }.items():
        features = _features(coords, rng)
        index = builder.edges(features).index
        where = f"{type(builder).__name__} on {name}"
        _check_form(where, index, len(coords))
        _check_order(where, builder, features, index, rng)


def _check_form(where: str, index: np.ndarray, num_nodes: int) -> None:
    if index.ndim != 2 or index.shape[0] != 2 or index.dtype != np.int64:
        raise GraphError(expected(where, "int64 edges [2, E]", f"{index.dtype} {list(index.shape)}"))
    if index.size and not 0 <= index.min() <= index.max() < num_nodes:
        raise GraphError(expected(where, f"nodes 0..{num_nodes - 1}", f"{index.min()}..{index.max()}"))
    if (index[0] == index[1]).any():
        raise GraphError(expected(where, "no self-loops", f"{int((index[0] == index[1]).sum())}"))
    forward = set(zip(*index.tolist(), strict=True))
    if len(forward) != index.shape[1]:
        raise GraphError(expected(where, "each edge once", f"{index.shape[1] - len(forward)} repeated"))
    one_way = [edge for edge in forward if edge[::-1] not in forward]
    if one_way:
        raise GraphError(expected(where, "symmetric edges", f"{len(one_way)} in one direction only"))


def _check_order(
    where: str,
    builder: GraphBuilder,
    features: PatchFeatures,
    index: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """The same slide with shuffled rows must give the same graph."""
    order = rng.permutation(len(features))
    shuffled = replace(features, x=features.x[order], coords=features.coords[order])
    again = order[builder.edges(shuffled).index]
    before, after = set(zip(*index.tolist(), strict=True)), set(zip(*again.tolist(), strict=True))
    if before != after:
        raise GraphError(
            expected(
                where,
                "the same edges for any order of rows",
                f"{len(before ^ after)} of {len(before)} different",
            )
        )


def _features(coords: np.ndarray, rng: np.random.Generator) -> PatchFeatures:
    x = rng.normal(size=(len(coords), 6)).astype(np.float32)
    joins = np.concatenate([coords[:-1], coords[1:]], axis=1)  # for builders of given edges
    return PatchFeatures("check", x, coords, patch_size_level0=STEP, step_level0=STEP, mpp=0.25, joins=joins)


def _ragged(rng: np.random.Generator) -> np.ndarray:
    """A disc of patches with holes: most of its distances tie."""
    side = np.arange(-9, 10)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    keep = ((grid**2).sum(axis=1) < 80) & (rng.random(len(grid)) > 0.2)
    return (rng.permutation(grid[keep]) * STEP).astype(np.int64)
