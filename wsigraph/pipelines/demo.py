"""The whole way on synthetic slides: pictures, features, graphs, two models, a comparison, a page."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from wsigraph.errors import CohortError, RunError, expected
from wsigraph.evaluation.paired import PairedDifference, paired_difference
from wsigraph.io.atomic import read_json, write_json, write_text
from wsigraph.io.cohort import Cohort
from wsigraph.io.predictions import read_predictions
from wsigraph.io.tiff import write_pyramid
from wsigraph.patches.encoder import patch_encoder
from wsigraph.patches.tiling import Tiling
from wsigraph.pipelines.cards import cards
from wsigraph.pipelines.demo_page import write_demo_page
from wsigraph.pipelines.encode import encode_cohort
from wsigraph.pipelines.heatmap import heatmap_run
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.pipelines.train import TrainPlan, train_cohort
from wsigraph.synthetic.slides import Layout, cohort_row, slide_cohort
from wsigraph.training.fit_loop import TrainerOptions

METHODS = ("srmil", "abmil")
"""A graph method and its set counterpart."""
LEAST_SLIDES = 12
RENDERING = "Rendering synthetic slides"


@dataclass(frozen=True)
class DemoPlan:
    """How large the demo is.

    Args:
        slides: Synthetic slides.
        folds: Folds of the cross-validation.
        epochs: Epochs of both methods; the published 100 are not needed for so plain a cohort.
        hidden_channels: Width of both networks, smaller than published for the same reason.
        heatmaps: Slides that get a heatmap.
        layout: Sizes of a slide.
    """

    slides: int = 40
    folds: int = 3
    epochs: int = 12
    hidden_channels: int = 64
    heatmaps: int = 4
    layout: Layout = field(default_factory=Layout)

    @property
    def changes(self) -> dict[str, str]:
        """What differs from the published recipes, as ``--set`` would say it."""
        return {
            "optimiser.epochs": f"{self.epochs}",
            "optimiser.lr": "1e-3",
            "encoder.hidden_channels": f"{self.hidden_channels}",
        }


@dataclass(frozen=True)
class DemoResult:
    """What the demo made.

    Args:
        page: The page that shows it all.
        metrics: ``metrics.json`` by method.
        comparison: Paired difference of the AUC, graph method minus set method.
        verdict: The comparison in a sentence.
        seconds: How long it took.
        failed: Reason by slide.
    """

    page: Path
    metrics: dict[str, Any]
    comparison: PairedDifference
    verdict: str
    seconds: float
    failed: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            **asdict(self),
            "page": str(self.page),
            "synthetic": True,
            "metrics": {name: one["slide"] for name, one in self.metrics.items()},
        }


def plan(slides: str) -> DemoPlan:
    """The plan that ``--slides`` asks for: a number, or ``small`` for a quick look at every step.

    Raises: CohortError: if it is neither, or too few slides for the folds.
    """
    if slides == "small":
        layout = Layout(grid=10, tissue_cells=52, dense_cells=8)
        return DemoPlan(slides=12, folds=2, epochs=4, hidden_channels=16, heatmaps=1, layout=layout)
    if not slides.isdigit() or int(slides) < LEAST_SLIDES:
        raise CohortError(expected("--slides", f"'small' or at least {LEAST_SLIDES}", f"'{slides}'"))
    return DemoPlan(slides=int(slides))


def demo(
    out: str | Path, *, plan: DemoPlan | None = None, seed: int = 0, reporter: Reporter | None = None
) -> DemoResult:
    """Run every step on a synthetic cohort whose label is arrangement alone.

    Called again on the same folder it goes on where it was.

    Args:
        out: Folder for everything; ``index.html`` in it shows the result.
        plan: How large.
        seed: Fixes the slides, the folds and the training.
        reporter: Who hears of the progress.

    Raises: RunError: if the folder holds another demo.
    """
    begun = time.monotonic()
    out, plan, reporter = Path(out), plan or DemoPlan(), reporter or Silent()
    _claim(out, plan, seed)
    manifest = _render(out, plan, seed, reporter)
    slides = [out / "slides" / f"{cohort_row(index)[0]}.tif" for index in range(plan.slides)]
    tiling = Tiling(patch_px=plan.layout.cell_px, mpp=plan.layout.mpp)
    encoder = patch_encoder("stain_texture")
    encoded = encode_cohort(slides, out / "features", encoder=encoder, tiling=tiling, reporter=reporter)
    described, failed = cards([out / "features"], reporter=reporter)
    write_json(out / "graph_cards.json", described)
    cohort = Cohort.from_manifest(manifest, features=out / "features")
    metrics = {}
    for name in METHODS:
        training = TrainPlan(name, plan.changes, folds=plan.folds, seed=seed)
        options = TrainerOptions(device="cpu")
        run = train_cohort(training, cohort, out=out / name, trainer=options, reporter=reporter)
        metrics[name] = run.metrics
    comparison = _compare(out, cohort)
    heatmaps = _draw(out, cohort, plan, reporter)
    verdict = say(comparison)
    write_demo_page(
        out,
        metrics=metrics,
        comparison=comparison,
        verdict=verdict,
        heatmaps=heatmaps,
        facts={"plan": plan, "seed": seed, "cards": described, "cohort": cohort},
    )
    seconds = time.monotonic() - begun
    return DemoResult(out / "index.html", metrics, comparison, verdict, seconds, {**encoded.failed, **failed})


def say(found: PairedDifference) -> str:
    """The comparison in a sentence that claims no more than its interval."""
    change = (
        f"AUC {found.difference:+.3f} [{found.low:+.3f}, {found.high:+.3f}] over {found.patients} patients"
    )
    if found.low > 0:
        return f"On these synthetic slides the graph (srmil) beats the set (abmil): {change}."
    if found.high < 0:
        return f"On these synthetic slides the set (abmil) beats the graph (srmil): {change}."
    return f"On these synthetic slides neither method is shown to be better: {change}."


def _claim(out: Path, plan: DemoPlan, seed: int) -> None:
    """Write down what this folder holds, or refuse one that holds another demo."""
    mine = {"synthetic": True, "seed": seed, "plan": asdict(plan)}
    file = out / "demo.json"
    if file.is_file():
        theirs = read_json(file)
        if theirs != mine:
            got = f"one with seed {theirs.get('seed')} and {theirs.get('plan', {}).get('slides')} slides"
            raise RunError(
                expected(
                    f"Demo folder '{out}'",
                    f"a demo with seed {seed} and {plan.slides} slides",
                    got,
                    todo="Choose another --out, or remove the folder.",
                )
            )
    write_json(file, mine)


def _render(out: Path, plan: DemoPlan, seed: int, reporter: Reporter) -> Path:
    rows = [cohort_row(index) for index in range(plan.slides)]
    text = "\n".join(",".join(row) for row in [("slide_id", "patient_id", "label"), *rows])
    write_text(out / "labels.csv", text + "\n")
    there = frozenset(name for name, *_ in rows if (out / "slides" / f"{name}.tif").is_file())
    reporter.start(RENDERING, plan.slides)
    reporter.advance(RENDERING, len(there))
    for slide in slide_cohort(plan.slides, seed=seed, layout=plan.layout, skip=there):
        note = f"SYNTHETIC slide made by wsigraph, seed {seed}, label {slide.label}"
        write_pyramid(out / "slides" / f"{slide.slide_id}.tif", slide.image, mpp=slide.mpp, description=note)
        reporter.advance(RENDERING)
    reporter.finish(RENDERING)
    return out / "labels.csv"


def _compare(out: Path, cohort: Cohort) -> PairedDifference:
    graph, bag = (
        [
            row
            for row in read_predictions(out / name / "predictions.csv", classes=cohort.classes)
            if row.split == "test"
        ]
        for name in METHODS
    )
    return paired_difference(graph, bag, metric="auc")


def _draw(out: Path, cohort: Cohort, plan: DemoPlan, reporter: Reporter) -> list[Path]:
    """Heatmaps of the first slides of each class, in turn."""
    task = "Drawing heatmaps"
    chosen = cohort.slides[: plan.heatmaps]
    reporter.start(task, len(chosen))
    drawn = []
    for slide in chosen:
        picture = out / "heatmaps" / f"{slide.slide_id}.png"
        heatmap_run(
            out / METHODS[0],
            slide.path,
            slide=out / "slides" / f"{slide.slide_id}.tif",
            out=picture,
            geojson=picture.with_suffix(".geojson"),
        )
        drawn.append(picture)
        reporter.advance(task)
    reporter.finish(task)
    return drawn
