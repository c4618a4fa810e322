"""Patches of test slides against what was outlined: scores with intervals, and maps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from wsigraph.data.heatmap import Heatmap
from wsigraph.errors import CohortError, expected
from wsigraph.evaluation.instances import instance_intervals
from wsigraph.evaluation.outlines import Outlines
from wsigraph.evaluation.patch_truth import patch_labels, share_inside
from wsigraph.io.atomic import read_json, write_json
from wsigraph.io.cohort import Cohort, Slide
from wsigraph.io.features import read_features
from wsigraph.io.model_files import load_model_folder
from wsigraph.io.probability_map_png import write_probability_map
from wsigraph.io.slides import open_slide, read_overview
from wsigraph.patches.overview import Overview
from wsigraph.pipelines.mine_froc import LesionHits
from wsigraph.pipelines.mine_job import CLASSIFIER, MineJob, scoring_term
from wsigraph.pipelines.mine_scores import patch_scores
from wsigraph.pipelines.mine_sources import SlidePixels
from wsigraph.pipelines.mine_stages import CHOSEN

OVERVIEW_PX = 1600
THRESHOLD = 0.5
"""Of F1; fixed beforehand, never chosen where it is scored."""


@dataclass(frozen=True)
class PatchAnswers:
    """The patches of one test slide.

    Args:
        slide: The slide, with the features that were answered.
        label: Its class at the level that patches are scored for.
        heatmap: Probability of each patch to be of the slide's class, or of any where it is background.
        background: Whether the slide is of the background class.
    """

    slide: Slide
    label: int
    heatmap: Heatmap
    background: bool


def check_truth(truth: Mapping[str, Outlines], cohort: Cohort, tested: Iterable[int]) -> None:
    """Refuse outlines that are of no test slide, before anything runs.

    Args:
        truth: Outlines of what is positive, by slide.
        cohort: All slides.
        tested: Those of them that are tested.

    Raises: CohortError: if none of them is outlined.
    """
    names = [cohort.slides[i].slide_id for i in tested]
    if not set(names) & set(truth):
        got = f"{len(truth)} of other slides" if truth else "none"
        todo = f"Outlines are found by the name of their slide, such as '{names[0]}'."
        raise CohortError(expected("Truth", "outlines of test slides", got, todo=todo))


def finish_truth(jobs: Sequence[MineJob], truth: Mapping[str, Outlines], *, out: Path) -> dict[str, Any]:
    """Write ``instances.json`` and ``maps/<slide_id>.png`` of the test slides of finished folds.

    All patches of a background slide are negative; those of another slide are what the outlines say, and
    where there are none the slide is left out and counted.

    Args:
        jobs: The folds.
        truth: Outlines of what is positive, by slide.
        out: The run folder.
    """
    labels, scores, patients, lacking, drawn = [], [], [], [], 0
    lesions = LesionHits()
    for job in jobs:
        for one in answered_patches(job):
            name, outlined = one.slide.slide_id, truth.get(one.slide.slide_id)
            if outlined is None and not one.background:
                lacking.append(name)
                continue
            known = Outlines.of([]) if outlined is None else outlined
            share = share_inside(known, one.heatmap.coords, one.heatmap.patch_size)
            labels.append(patch_labels(share))
            scores.append(one.heatmap.raw)
            patients.append(np.full(len(share), one.slide.patient_id, dtype=object))
            lesions.add(one.heatmap, outlined, one.slide.patient_id)
            if outlined is not None:
                _draw(job, one, outlined, out / "maps" / f"{name}.png")
                drawn += 1
    parts = [np.concatenate(values) for values in (labels, scores, patients)]
    found = instance_intervals(parts[0], parts[1], parts[2].astype(str), threshold=THRESHOLD)
    result: dict[str, Any] = {
        name: {"value": one.value, "low": one.low, "high": one.high} for name, one in found.items()
    }
    counts = {"patches": len(parts[0]), "positive": int((parts[0] == 1).sum()), "slides": len(labels)}
    result |= {**counts, "maps": drawn, "threshold": THRESHOLD, "without_truth": sorted(lacking)}
    result["froc"] = lesions.result()
    write_json(out / "instances.json", result)
    return result


def answered_patches(job: MineJob) -> Iterator[PatchAnswers]:
    """Each test slide of a finished fold, by the round that was chosen."""
    number = int(read_json(job.folder / CHOSEN)["round"])
    model = load_model_folder(job.round(number) / CLASSIFIER)[0]
    recipe, cohort, _ = job.at_round(number, job.split.test)
    term = scoring_term(recipe)
    labels = term.labels(torch.as_tensor(cohort.targets)).tolist()
    for slide, label in zip(cohort.slides, labels, strict=True):
        found = patch_scores(model, recipe, term, slide).double().numpy()
        background = label == term.background
        values = found[:, term.classes.index(label)] if label in term.classes else found.max(1)
        features = read_features(slide.path, slide_id=slide.slide_id)
        heatmap = Heatmap(
            slide.slide_id,
            values,
            values,
            features.coords,
            features.patch_size_level0,
            features.mpp,
            "probability of each patch",
            (0.0, 1.0),
        )
        yield PatchAnswers(slide, label, heatmap, background)


def _draw(job: MineJob, one: PatchAnswers, outlined: Outlines, path: Path) -> None:
    overview: Overview | None = None
    if isinstance(job.raw, SlidePixels):
        with open_slide(job.raw.images[one.slide.slide_id]) as reader:
            longer = max(reader.info.bounds.width, reader.info.bounds.height)
            overview = read_overview(reader, downsample=longer / OVERVIEW_PX)
    write_probability_map(path, one.heatmap, outlined, overview)
