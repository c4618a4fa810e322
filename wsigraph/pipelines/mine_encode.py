"""Features made anew by a fine-tuned encoder, each round's in a folder of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import FeatureError, FeatureFileError
from wsigraph.io.features import read_features, write_features
from wsigraph.nn.patch_networks.base import PatchNetwork
from wsigraph.pipelines.mine_contrast import load_network
from wsigraph.pipelines.mine_job import FEATURES, MineJob

ROWS = 1024
"""Patches through the network at a time."""


def encode_round(job: MineJob, number: int, indices: Sequence[int]) -> list[Path]:
    """Encode some slides by the network of a round; slides whose file is whole are not encoded again.

    Args:
        job: The loop.
        number: The round, from 1.
        indices: Slides of the cohort.

    Returns: Their feature files.
    """
    network = load_network(job, number)
    name, made = network_name(network, job.settings.network.name, job.recipe.features.encoder), []
    task = f"Round {number}: encoding"
    job.reporter.start(task, len(indices))
    for index in indices:
        slide = job.cohort.slides[index]
        path = job.round(number) / FEATURES / f"{slide.slide_id}.h5"
        if not _was_encoded(path, name):
            base = read_features(slide.path, slide_id=slide.slide_id)
            write_features(path, encoded(network, base, job.raw.read(slide), name=name))
        made.append(path)
        job.reporter.advance(task)
    job.reporter.finish(task)
    return made


def encoded(
    network: PatchNetwork, base: PatchFeatures, batches: Iterable[np.ndarray], *, name: str
) -> PatchFeatures:
    """The features of a slide by a network, everything else as in its first feature file.

    Args:
        network: In evaluation mode.
        base: The first features.
        batches: Raw patches, in the order of its rows.
        name: What the new encoder is called.
    """
    device = next(network.parameters()).device
    rows = [
        network.encode(torch.from_numpy(np.ascontiguousarray(part)).to(device)).cpu().numpy()
        for part in _parts(batches)
    ]
    return replace(base, x=np.concatenate(rows), encoder=name, source="wsigraph")


def network_name(network: PatchNetwork, name: str, base: str) -> str:
    """What features of these very weights are called: ``adapter(stain_texture)@1a2b3c4d``.

    Args:
        network: Its weights make the digest.
        name: Of the patch network.
        base: Encoder of the first features, named where the network reads them.
    """
    digest = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    read = f"({base})" if network.reads == "features" else ""
    return f"{name}{read}@{digest.hexdigest()[:8]}"


def _parts(batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    for batch in batches:
        for start in range(0, len(batch), ROWS):
            yield batch[start : start + ROWS]


def _was_encoded(path: Path, name: str) -> bool:
    if not path.is_file():
        return False
    try:
        return read_features(path).encoder == name
    except (FeatureError, FeatureFileError):
        return False
