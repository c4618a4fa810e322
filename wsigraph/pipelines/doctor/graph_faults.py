"""What is wrong with the places of patches: no edges, a wrong step, patches alone or on each other."""

from __future__ import annotations

import math

import numpy as np

from wsigraph.data.graph_card import ISOLATED_SHARE
from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import GraphError
from wsigraph.graph.builders.knn import KNN
from wsigraph.graph.edges import positions_of
from wsigraph.graph.lattice import TOLERANCE, Lattice, infer
from wsigraph.pipelines.doctor.fault import Fault


def graph_faults(name: str, features: PatchFeatures, lattice: Lattice) -> list[Fault]:
    """Faults and warnings of one file; the default graph is built only where the lattice leaves a doubt.

    Args:
        name: Name of the file.
        features: Its patches; their features are not looked at.
        lattice: Their lattice, as ``lattice_of`` finds it.
    """
    count, faults = len(features), []
    if math.isnan(features.mpp):
        faults.append(Fault("mpp_unknown", name, "mpp unknown", "warning"))
    if len(features.coords) < count:
        return [*faults, Fault("no_coordinates", name, f"{count} patches, no coordinates")]
    if count == 1:
        return [*faults, Fault("one_patch", name, "one patch only", "warning")]
    if lattice.exact and share_beside(lattice.indices(features.coords)) >= 1 - ISOLATED_SHARE:
        gap = lattice.step  # edges there are, and too few patches alone to tell
    else:
        try:
            index = KNN().edges(features).index
        except GraphError as error:
            return [*faults, Fault("no_edges", name, str(error))]
        faults += _edge_faults(name, index, count, lattice.step)
        gap = _nearest(features.coords, index)
    faults += _step_faults(name, features, gap)
    if not lattice.confident:
        told = f"step {lattice.step:g} px, confidence {lattice.confidence:.2f}"
        faults.append(Fault("no_lattice", name, told, "warning"))
    shared = positions_of(features.coords).duplicates
    if shared:
        faults.append(Fault("shared_coordinates", name, f"{shared} of {count} patches", "warning"))
    return faults


def share_beside(cells: np.ndarray) -> float:
    """Share of occupied lattice cells with another occupied cell among the four beside them.

    Args:
        cells: ``[N, 2]`` lattice indices (x, y).
    """
    x, y = (cells - cells.min(axis=0)).T
    width = int(x.max()) + 2  # a free column, so that rows do not touch
    keys = np.unique(y * width + x)
    beside = np.zeros(len(keys), dtype=bool)
    for away in (1, width):
        place = np.searchsorted(keys, keys + away)
        found = place < len(keys)
        found[found] = keys[place[found]] == keys[found] + away
        beside |= found
        beside[place[found]] = True
    return float(beside.mean())


def _edge_faults(name: str, index: np.ndarray, count: int, step: float) -> list[Fault]:
    if not index.shape[1]:
        return [Fault("no_edges", name, f"0 edges among {count} patches at a step of {step:g} px")]
    alone = count - len(np.unique(index[1]))
    if alone <= ISOLATED_SHARE * count:
        return []
    return [Fault("isolated", name, f"{alone} of {count} patches ({alone / count:.0%})", "warning")]


def _step_faults(name: str, features: PatchFeatures, gap: float) -> list[Fault]:
    """A step that the file states and its coordinates contradict, mostly by a factor of 2 or 4."""
    stated = features.step_level0
    if not stated > 0 or abs(gap - stated) <= TOLERANCE * stated:
        return []
    seen = infer(features.coords)
    if not seen.confident or abs(seen.step - stated) <= TOLERANCE * stated:
        return []
    told = f"{stated:g} px stated, {seen.step:g} px between patches ({seen.step / stated:.3g} times)"
    return [Fault("wrong_step", name, told)]


def _nearest(coords: np.ndarray, index: np.ndarray) -> float:
    """Median distance of a patch to the nearest it is joined to; inf without edges."""
    if not index.shape[1]:
        return math.inf
    away = coords[index[0]] - coords[index[1]]
    first = np.flatnonzero(np.diff(index[1], prepend=-1))  # edges are sorted by target
    return math.sqrt(np.median(np.minimum.reduceat((away**2).sum(axis=1), first)))
