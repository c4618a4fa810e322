"""Options that several verbs share, written once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wsigraph.patches.tiling import Tiling

Slides = Annotated[list[Path], typer.Argument(help="Slide files, or folders of slides.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Seed = Annotated[int, typer.Option("--seed", help="Fixes every random choice.")]
OutDir = Annotated[Path, typer.Option("--out", help="Folder for the results; finished work in it is kept.")]
PatchPx = Annotated[int, typer.Option("--patch-px", help="Side of a patch, in pixels as encoded.")]
Mpp = Annotated[float, typer.Option("--mpp", help="Resolution of the patches, microns per pixel.")]
OverlapPx = Annotated[int, typer.Option("--overlap-px", help="Overlap of neighbouring patches.")]
MinTissue = Annotated[float, typer.Option("--min-tissue", help="Least share of tissue in a patch.")]
Upsample = Annotated[
    bool, typer.Option("--allow-upsampling", help="Accept patches finer than the slide's best level.")
]
SlideMpp = Annotated[
    float | None,
    typer.Option("--slide-mpp", help="The slides' own microns per pixel, where the files do not say."),
]
SlideMppCsv = Annotated[
    Path | None, typer.Option("--slide-mpp-csv", help="The same per slide: a CSV with slide_id,mpp.")
]
Features = Annotated[list[Path], typer.Argument(help="Feature files, or folders.", show_default=False)]
Graph = Annotated[str, typer.Option("--graph", help="Graph builder, see 'wsigraph models'.")]
K = Annotated[int | None, typer.Option("--k", help="Neighbours, for builders that count them.")]
GraphOption = Annotated[
    list[str] | None, typer.Option("--option", help="Another option of the builder: um=50.")
]
FeatureDir = Annotated[
    Path, typer.Option("--features", help="Folder of features, as the tool left it.", show_default=False)
]
Images = Annotated[
    list[Path] | None,
    typer.Option("--images", help="Slides or images, found by slide id: for a run fine-tuned on pixels."),
]
IdCol = Annotated[str, typer.Option("--id-col", help="Manifest column of slide ids.")]
PatientCol = Annotated[str, typer.Option("--patient-col", help="Manifest column of patients.")]
TargetCol = Annotated[
    str,
    typer.Option(
        "--target-col",
        help="Manifest column of classes; of labels, numbers or levels of a tree also several: er,pr.",
    ),
]
TaskName = Annotated[
    str,
    typer.Option(
        "--task",
        help="classification, hierarchy, multilabel, ordinal, regression, cox or discrete_time.",
    ),
]
Tree = Annotated[
    str | None,
    typer.Option(
        "--tree", help="Label tree: bracs, panda, cytology, or a CSV with a line fine,coarse per class."
    ),
]
TimeCol = Annotated[
    str | None,
    typer.Option("--time-col", help="Manifest column of times, for survival ('time' if not given)."),
]
EventCol = Annotated[
    str | None,
    typer.Option(
        "--event-col",
        help="Manifest column with 1 (event) or 0 (censored), for survival ('event' if not given).",
    ),
]


def tiling(
    patch_px: int, mpp: float, *, overlap_px: int, min_tissue: float, allow_upsampling: bool
) -> Tiling:
    """The ``Tiling`` that the options ask for."""
    from wsigraph.patches.tiling import Tiling

    return Tiling(
        patch_px=patch_px,
        mpp=mpp,
        overlap_px=overlap_px,
        min_tissue=min_tissue,
        allow_upsampling=allow_upsampling,
    )


def slide_mpp(one: float | None, table: Path | None) -> float | dict[str, float] | None:
    """The slides' own resolution: one number, one per slide, or none."""
    if one is not None and table is not None:
        raise typer.BadParameter("Give --slide-mpp or --slide-mpp-csv, not both.")
    if table is None:
        return one
    from wsigraph.io.mpp_table import read_mpp_table

    return read_mpp_table(table)


def columns(target_col: str, *, time_col: str | None, event_col: str | None) -> dict[str, str]:
    """The columns that a task is to read, by the names of its options."""
    given = {"target_col": target_col, "time_col": time_col, "event_col": event_col}
    return {column: value for column, value in given.items() if value is not None}


def graph_options(given: list[str] | None, *, k: int | None) -> dict[str, str]:
    """Options of a graph builder as text, by name."""
    asked = changes(given or [], option="--option")
    return asked if k is None else {**asked, "k": str(k)}


def names(text: str | None) -> tuple[str, ...] | None:
    """``"low, high"`` -> ``("low", "high")``."""
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


def changes(settings: list[str], *, option: str = "--set") -> dict[str, str]:
    """``["optimiser.lr=1e-3"]`` -> ``{"optimiser.lr": "1e-3"}``."""
    for setting in settings:
        if "=" not in setting:
            raise typer.BadParameter(f"{option} wants name=value, got '{setting}'.")
    return dict(setting.split("=", 1) for setting in settings)
