"""Feature files as graphs, built once, checked before anything trains."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric import EdgeIndex

from wsigraph.data.order import orderly
from wsigraph.data.patch_features import PatchFeatures
from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.data.tasks.base import Target
from wsigraph.errors import GraphError, RunError, WsigraphError, expected
from wsigraph.graph.base import GraphBuilder
from wsigraph.graph.build import to_graph
from wsigraph.graph.self_loops import with_self_loops
from wsigraph.io.cohort import Cohort, Slide
from wsigraph.io.edge_cache import cached_edges
from wsigraph.io.features import read_features


@dataclass(frozen=True)
class SlideFacts:
    """What the first pass over a slide found.

    Args:
        num_nodes: Patches.
        total: ``[C]`` float64 sum of each channel.
        squares: ``[C]`` float64 sum of squares.
        digest: Hash of features and coordinates.
        encoder: Patch encoder named in the file.
        patch_px: Side of a patch as encoded.
        target_mpp: Microns per pixel of the encoded patch.
        has_coords: Whether it is known where the patches lie.
        warnings: What the graph card warns of.
    """

    num_nodes: int
    total: np.ndarray
    squares: np.ndarray
    digest: str
    encoder: str
    patch_px: int
    target_mpp: float
    has_coords: bool
    warnings: tuple[str, ...]


@dataclass
class GraphStore:
    """Graphs of a cohort by slide id, kept in memory up to a budget and re-read beyond it.

    The slides that are kept are the first that fit: an epoch visits every slide once, so that no other choice
    would spare more reading. Edges that ``wsigraph pack`` wrote beside a feature file are taken from there.

    Args:
        builder: Graph builder.
        self_loops: Whether each node also gets an edge from itself.
        in_channels: Width expected of every slide.
        budget_bytes: Memory for kept graphs.
    """

    builder: GraphBuilder
    self_loops: bool
    in_channels: int
    budget_bytes: int = 4_000_000_000
    facts: dict[str, SlideFacts] = field(default_factory=dict)
    _kept: dict[str, SpatialGraph] = field(default_factory=dict)
    _used: int = 0

    def scan(self, cohort: Cohort, *, listen: Callable[[str], None] = lambda slide: None) -> dict[str, str]:
        """Read every slide once, and name those that cannot be used.

        Args:
            cohort: The slides.
            listen: Called with each slide's id when it is done.

        Returns: Reason by slide id.
        """
        failed: dict[str, str] = {}
        for slide in cohort.slides:
            try:
                self._scan_one(slide)
            except WsigraphError as error:
                failed[slide.slide_id] = str(error)
            listen(slide.slide_id)
        return failed

    def _scan_one(self, slide: Slide) -> None:
        features = read_features(slide.path, slide_id=slide.slide_id)
        graph = self._build(features, slide)
        x = features.x.astype(np.float64)
        digest = hashlib.sha256(np.ascontiguousarray(features.x).tobytes())
        digest.update(np.ascontiguousarray(features.coords).tobytes())
        self.facts[slide.slide_id] = SlideFacts(
            num_nodes=len(features),
            total=x.sum(0),
            squares=np.square(x).sum(0),
            digest=digest.hexdigest(),
            encoder=features.encoder,
            patch_px=features.patch_px,
            target_mpp=features.target_mpp,
            has_coords=features.has_coords,
            warnings=tuple(graph.card().warnings) if self.builder.name != "edgeless" else (),
        )
        size = features.x.nbytes + features.coords.nbytes + 16 * graph.num_edges
        if self._used + size <= self.budget_bytes:
            self._kept[slide.slide_id] = graph
            self._used += size

    def _build(self, features: PatchFeatures, slide: Slide) -> SpatialGraph:
        if features.x.shape[1] != self.in_channels:
            raise GraphError(
                expected(
                    f"Slide '{features.slide_id}'",
                    f"{self.in_channels} channels",
                    f"{features.x.shape[1]}",
                    todo="All slides must be encoded by one patch encoder.",
                )
            )
        # of a slide only what belongs to it as a whole is read again, so that its rows may move
        draws = self.builder.draws  # from the slide's id, and kept edges know only the name of their file
        kept = None if draws else cached_edges(slide.path, self.builder, num_nodes=len(features))
        graph, _ = orderly(to_graph(features, self.builder, edges=kept))
        return with_self_loops(graph) if self.self_loops else graph

    def graph(self, slide: Slide) -> SpatialGraph:
        """The slide's graph, from memory or from its file."""
        kept = self._kept.get(slide.slide_id)
        if kept is not None:
            return kept
        return self._build(read_features(slide.path, slide_id=slide.slide_id), slide)

    def __getstate__(self) -> dict[str, Any]:
        """Without the kept graphs: a loader process that is not forked would be sent a copy of all."""
        return {**self.__dict__, "_kept": {}, "_used": 0}

    def statistics(self, slides: Sequence[Slide]) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each channel over all patches of ``slides``, each ``[C]``."""
        facts = [self.facts[slide.slide_id] for slide in slides]
        count = sum(f.num_nodes for f in facts)
        mean = np.sum([f.total for f in facts], axis=0) / count
        variance = np.sum([f.squares for f in facts], axis=0) / count - mean**2
        return torch.from_numpy(mean).float(), torch.from_numpy(np.sqrt(variance.clip(min=0))).float()

    def common_encoding(self, slides: Sequence[Slide]) -> tuple[str, int, float | None]:
        """Encoder, patch size and mpp that all ``slides`` share.

        Raises: RunError: if they differ, or some have coordinates and some not; the message names one slide
            of each kind.
        """
        kinds: dict[tuple[Any, ...], str] = {}
        for slide in slides:
            fact = self.facts[slide.slide_id]
            mpp = None if fact.target_mpp != fact.target_mpp else float(f"{fact.target_mpp:.2g}")
            located = "with coordinates" if fact.has_coords else "without coordinates"
            kinds.setdefault((fact.encoder, fact.patch_px, mpp, located), slide.slide_id)
        if len(kinds) > 1:
            listed = "; ".join(f"'{slide}' {kind}" for kind, slide in kinds.items())
            raise RunError(
                expected(
                    "Cohort",
                    "one patch encoder, patch size and mpp in all slides",
                    f"{len(kinds)} kinds: {listed}",
                    todo="Encode all slides alike, or leave the odd ones out of the manifest.",
                )
            )
        encoder, patch_px, mpp, _ = next(iter(kinds))
        return encoder, patch_px, mpp


class GraphDataset(torch.utils.data.Dataset[SpatialGraph]):
    """Graphs of some slides with their targets, for PyG's loader.

    Args:
        store: Where graphs come from.
        slides: The slides.
        targets: Index of each slide's class, or its target row.
    """

    def __init__(self, store: GraphStore, slides: Sequence[Slide], targets: Sequence[Target]) -> None:
        self.store, self.slides, self.targets = store, slides, targets

    def __len__(self) -> int:
        return len(self.slides)

    def __getitem__(self, index: int) -> SpatialGraph:
        full = self.store.graph(self.slides[index])
        # a plain tensor, still sorted: PyG 2.8 cannot batch an EdgeIndex of a single edge (a one-patch slide)
        edges = full.edge_index.as_tensor() if isinstance(full.edge_index, EdgeIndex) else full.edge_index
        return SpatialGraph(
            full.x,
            edges,
            pos=full.pos,
            patch_size=full.patch_size,
            mpp=full.mpp,
            slide_id=full.slide_id,
            y=torch.tensor([self.targets[index]]),
        )
