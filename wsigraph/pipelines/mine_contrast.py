"""The contrast of one round: what is mined, read, and what the encoder learns from it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from wsigraph.io.atomic import write_json
from wsigraph.io.log_file import write_log
from wsigraph.io.row_cache import drop_file, read_rows, write_rows
from wsigraph.io.tensor_file import read_tensors, write_tensors
from wsigraph.nn.patch_networks.adapter import Adapter
from wsigraph.nn.patch_networks.base import PatchNetwork
from wsigraph.objectives.patch_term import PatchTerm
from wsigraph.pipelines.mine_job import MineJob
from wsigraph.pipelines.mine_scores import read_scores
from wsigraph.pipelines.threads import threads_for
from wsigraph.training.mining.all_classes import mine_epoch
from wsigraph.training.mining.contrast import Contrast, part_of
from wsigraph.training.mining.mine import Mined
from wsigraph.training.mining.pool import Pool, by_slide, union
from wsigraph.training.seeds import mix

SCORES = "scores.safetensors"
CONTRAST = "contrast.safetensors"
NETWORK = "network.safetensors"
MINED = "mined.npy"


def mine_round(job: MineJob, number: int, *, labels_from: int, term: PatchTerm) -> Path:
    """Write what the epochs of a round are contrasted on: counts, thresholds, histograms, hashes.

    Args:
        job: The loop.
        number: The round, from 1.
        labels_from: Round whose classifier makes the pseudo-labels.
        term: The term that was mined.
    """
    names = job.recipe.classes if term.tree is None else term.tree.names(term.level)
    rows = []
    for epoch, pool, mined in _epochs(job, number, labels_from=labels_from, term=term):
        classes = {names[c]: one.record.to_dict() for c, one in mined.items()}
        counts = {"positives": pool.positives, "negatives": len(pool) - pool.positives}
        rows.append({"epoch": epoch, **counts, "sha256": pool.digest, "classes": classes})
    path = job.round(number) / "mining.json"
    write_json(path, {"round": number, "labels_from_round": labels_from, "epochs": rows})
    return path


def contrast_round(job: MineJob, number: int, *, labels_from: int, term: PatchTerm) -> list[Path]:
    """Fine-tune the encoder for a round, going on after the last epoch that was finished."""
    folder, settings = job.round(number), job.settings
    contrast, log = _begin(job, number)
    pools = {e: pool for e, pool, _ in _epochs(job, number, labels_from=labels_from, term=term)}
    keys = union(list(pools.values()))
    if len(log) < len(pools) and not (folder / MINED).is_file():
        write_rows(folder / MINED, _read(job, keys), count=len(keys))
    task = f"Round {number}: contrast"
    job.reporter.start(task, settings.epochs_per_round)
    job.reporter.advance(task, len(log))
    for epoch in list(pools)[len(log) :]:
        pool, rows = pools[epoch], read_rows(folder / MINED)
        place = np.searchsorted(keys, pool.keys)
        with threads_for(settings.batch if contrast.network.reads == "features" else math.inf):
            done = contrast.epoch(pool, lambda at, p=place, rows=rows: rows[p[at]], epoch=epoch)  # type: ignore[misc]
        log.append(asdict(done))
        write_tensors(folder / CONTRAST, contrast.state(), {"log": log})
        job.reporter.advance(task)
    job.reporter.finish(task)
    write_tensors(folder / NETWORK, part_of(contrast.state(), "network"), _about(job))
    write_log(folder / "contrast.csv", log)
    drop_file(folder / MINED)
    return [folder / name for name in (CONTRAST, NETWORK, "contrast.csv")]


def load_network(job: MineJob, number: int) -> PatchNetwork:
    """The encoder of a round, in evaluation mode."""
    network = job.settings.make_network(job.recipe.in_channels)
    network.load_state_dict(read_tensors(job.round(number) / NETWORK)[0])
    return network.to(job.device).eval()


def _epochs(
    job: MineJob, number: int, *, labels_from: int, term: PatchTerm
) -> Iterator[tuple[int, Pool, dict[int, Mined]]]:
    """Epoch, pool and what was mined, for each epoch of a round: a function of the scores alone."""
    found = read_scores(job.round(labels_from) / SCORES)
    per_round = job.settings.epochs_per_round
    for epoch in range((number - 1) * per_round, number * per_round):
        pool, mined = mine_epoch(
            found, job.settings, epoch=epoch, seed=job.seed, tree=term.tree, level=term.level
        )
        yield epoch, pool, mined


def _begin(job: MineJob, number: int) -> tuple[Contrast, list[dict[str, Any]]]:
    """The contrast where it was left: in this round, at the end of the last one, or new."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(mix(job.seed, "network"))
        network = job.settings.make_network(job.recipe.in_channels)
    if isinstance(network, Adapter):  # by training slides alone
        train = [job.cohort.slides[i] for i in job.split.train]
        network.standardise.set_statistics(*job.store.statistics(train))
    contrast = Contrast(network, job.settings, seed=job.seed, device=job.device)
    own, last = (job.round(n) / CONTRAST for n in (number, number - 1))
    if own.is_file():
        state, about = read_tensors(own)
        contrast.load(state)
        return contrast, list(about["log"])
    if last.is_file():
        contrast.load(read_tensors(last)[0])
    return contrast, []


def _read(job: MineJob, keys: np.ndarray) -> Iterator[np.ndarray]:
    """Raw patches of the mined rows, and of no others."""
    some = by_slide(keys)
    task = "Reading mined patches"
    job.reporter.start(task, len(some))
    for place, rows in some:
        yield from job.raw.read(job.cohort.slides[job.split.train[place]], rows)
        job.reporter.advance(task)
    job.reporter.finish(task)


def _about(job: MineJob) -> dict[str, Any]:
    """What rebuilds the network."""
    return {"network": job.settings.network.model_dump(), "in_channels": job.recipe.in_channels}
