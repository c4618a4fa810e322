"""Attention of a trained model, drawn over the slide and written for QuPath."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from wsigraph.data.heatmap import Heatmap
from wsigraph.data.patch_features import PatchFeatures, on_level0
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.errors import FeatureError, RunError, expected
from wsigraph.evaluation.heatmap import attention_heatmap
from wsigraph.evaluation.tree_rows import answered_lines
from wsigraph.graph.build import to_graph
from wsigraph.io.features import read_features
from wsigraph.io.features.finder import slide_name
from wsigraph.io.gallery_png import read_top_patches, write_gallery
from wsigraph.io.geojson import write_geojson
from wsigraph.io.heatmap_png import write_heatmap
from wsigraph.io.slides import open_slide, read_overview
from wsigraph.pipelines.predict import load_run, model_for
from wsigraph.pipelines.trained import Answer, TrainedModel
from wsigraph.pipelines.which_attention import which_attention
from wsigraph.training.build import graph_builder

if TYPE_CHECKING:
    from wsigraph.pipelines.mine_predict import MinedModel

OVERVIEW_PX = 1600
"""Longer side of the slide picture behind a heatmap."""


def heatmap_run(
    run: str | Path,
    features: str | Path,
    *,
    slide: str | Path | None = None,
    out: str | Path,
    geojson: str | Path | None = None,
    slide_mpp: float | None = None,
    class_name: str | None = None,
    level: str | None = None,
    gallery: str | Path | None = None,
    top: int = 12,
) -> Heatmap:
    """Draw where a model looks on one slide.

    A slide of the run's own cohort is shown through the eyes of the fold that tested it.

    Args:
        run: A run folder, or one fold of it.
        features: The slide's feature file.
        slide: The slide itself, for the picture behind, and for a run that was fine-tuned on pixels.
        out: The PNG to write.
        geojson: A GeoJSON for QuPath to write as well.
        slide_mpp: Microns per level-0 pixel where the slide does not say.
        class_name: Whose attention to show, of a head with one for each class.
        level: Level of a label tree, whose own head is shown.
        gallery: A PNG of the patches with most attention to write as well, from the slide's pixels.
        top: How many patches that shows.

    Raises: RunError: if the model has no such attention or the features do not fit it, or a gallery is asked
        for without the slide. FeatureError: if the features have no coordinates, or none that can be placed
        on the slide.
    """
    if gallery is not None and slide is None:
        raise RunError(expected("Gallery", "the slide beside its features", "none", todo="Give --slide."))
    read = _placed(features, slide, slide_mpp=slide_mpp, outlined=geojson is not None)
    whole = load_run(run, {} if slide is None else {read.slide_id: Path(slide)})
    model, _, _, split = model_for(run, read.slide_id, whole)
    which = which_attention(model.recipe, model.networks[0], class_name=class_name, level=level)
    answer = model.of_slide(read, which=which)
    if answer.attention is None:
        raise RunError(
            expected(
                f"Recipe '{model.recipe.name}'",
                "a head with attention",
                "none",
                todo="Choose another recipe.",
            )
        )
    graph = to_graph(read, graph_builder(model.recipe))
    heatmap = attention_heatmap(graph, answer.attention, of=which.told)
    title = f"{read.slide_id}: {_said(model, answer)} ({model.recipe.name}"
    title += ", out of fold)" if split == "test" else ")"
    overview = None
    if slide is not None:
        with open_slide(Path(slide), slide_mpp=slide_mpp) as reader:
            longer = max(reader.info.bounds.width, reader.info.bounds.height)
            overview = read_overview(reader, downsample=longer / OVERVIEW_PX)
            if gallery is not None:
                write_gallery(gallery, read_top_patches(reader, heatmap, top=top), heatmap, title=title)
    write_heatmap(Path(out), heatmap, overview, title=title)
    if geojson is not None:
        write_geojson(Path(geojson), heatmap)
    return heatmap


def _placed(
    path: str | Path, slide: str | Path | None, *, slide_mpp: float | None, outlined: bool
) -> PatchFeatures:
    """The features, in level-0 pixels where something is drawn on the slide or written for QuPath."""
    read = read_features(path, slide_id=slide_name(path))  # the name a cohort knows it by
    if not read.has_coords:
        raise FeatureError(
            expected(f"Heatmap of slide '{read.slide_id}'", "patches with coordinates", "none in its file")
        )
    if read.level0_known or (slide is None and not outlined):
        return read
    if slide is None:
        return on_level0(read, math.nan if slide_mpp is None else slide_mpp)
    with open_slide(Path(slide), slide_mpp=slide_mpp) as reader:
        return on_level0(read, reader.info.mpp)


def _said(model: TrainedModel | MinedModel, answer: Answer) -> str:
    """The answer in a few words: the most probable class, the line of a label tree with the probability that
    each level gives it, or the first three values by name."""
    task = model.recipe.make_task()
    if isinstance(task, Hierarchy):
        line = answered_lines([task.prediction(answer.slide_id, "", values=answer.values)], task)[0]
        told = zip(task.label_tree.classes, task.places, line, strict=True)
        return " > ".join(f"{names[k]} {answer.values[place][k]:.2f}" for names, place, k in told)
    if model.recipe.make_task().one_class:
        best = int(answer.probabilities.argmax())
        return f"{model.recipe.classes[best]} {answer.probabilities[best]:.2f}"
    pairs = zip(answer.columns[:3], answer.values.tolist(), strict=False)
    return ", ".join(f"{column.partition('_')[2] or column} {value:.3g}" for column, value in pairs)
