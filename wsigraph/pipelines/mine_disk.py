"""How much a run of mining will write, said before it starts."""

from __future__ import annotations

from pathlib import Path

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import RunError, expected
from wsigraph.io.disk import free_bytes
from wsigraph.io.features import read_features
from wsigraph.pipelines.mine_job import MineJob


def bytes_of_fold(job: MineJob) -> dict[str, int]:
    """Bytes that one fold will write, by what; what is kept, and what is there for a while.

    Returns: ``features`` and ``encoders`` of all rounds, ``classifiers``, ``scores``; and ``mined``, at most
        this much at a time: all patches that can be mined.
    """
    example = _example(job)
    sizes = [job.store.facts[slide.slide_id].num_nodes for slide in job.cohort.slides]
    train, val, test = (
        sum(sizes[i] for i in side) for side in (job.split.train, job.split.val, job.split.test)
    )
    network = job.settings.make_network(job.recipe.in_channels)
    weights = 4 * sum(p.numel() for p in network.parameters())
    width = network.out_channels
    projection = 4 * (width + 1) * (width + job.settings.projection_channels)
    per_patch = 2 * width + 16  # half precision, and two coordinates
    rounds = job.settings.rounds
    model, _ = job.recipe.build()
    classifier = 4 * sum(p.numel() for p in model.parameters())
    share = max(job.settings.rules.ratio.at(e, job.settings.epochs) for e in range(job.settings.epochs))
    return {
        "features": per_patch * (rounds * (train + val) + test),
        "encoders": rounds * (weights + 3 * (weights + projection)),  # alone; with momentum, old and new
        "classifiers": (rounds + 2) * classifier,
        "scores": 4 * (rounds + 1) * train,
        "mined": round(job.raw.row_bytes(example) * train * max(share, job.settings.share_end)),
    }


def check_disk(job: MineJob, folds: int, out: Path) -> str:
    """A sentence on what a run will write.

    Args:
        job: One of its folds.
        folds: How many there are.
        out: Where to.

    Raises: RunError: if the disk has less room.
    """
    parts = bytes_of_fold(job)
    mined = parts.pop("mined")
    need, free = folds * sum(parts.values()) + mined, free_bytes(out)
    listed = ", ".join(f"{what} {size_of(folds * size)}" for what, size in parts.items())
    said = f"will write up to {size_of(need)} ({listed}; mined patches, for a while, {size_of(mined)})"
    if need > free:
        todo = "Choose another --out, fewer rounds or folds, or a narrower network."
        raise RunError(expected(f"Folder '{out}'", f"room for {size_of(need)}", size_of(free), todo=todo))
    return f"{said}; {size_of(free)} are free"


def size_of(count: float) -> str:
    """``1536`` -> ``"1.5 KB"``."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1024 or unit == "GB":
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return ""


def _example(job: MineJob) -> PatchFeatures:
    slide = job.cohort.slides[job.split.train[0]]
    return read_features(slide.path, slide_id=slide.slide_id)
