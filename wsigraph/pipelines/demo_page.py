"""The page that shows the demo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wsigraph.evaluation.paired import PairedDifference
from wsigraph.io.report.page import write_index
from wsigraph.io.report.sections import (
    Details,
    Link,
    Links,
    Notice,
    Number,
    Numbers,
    Picture,
    Pictures,
    Section,
    Table,
    Text,
)
from wsigraph.io.report.shown import shown

NAMES = {
    "auc": "AUC",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "brier": "Brier score",
    "ece": "Calibration error",
}
METHOD_WORDS = {"srmil": "srmil (graph)", "abmil": "abmil (set)"}


def write_demo_page(
    out: Path,
    *,
    metrics: Mapping[str, Any],
    comparison: PairedDifference,
    verdict: str,
    heatmaps: Sequence[Path],
    facts: Mapping[str, Any],
) -> None:
    """Write ``out/index.html``.

    Args:
        out: The demo's folder; links are relative to it.
        metrics: ``metrics.json`` by method.
        comparison: Graph method minus set method.
        verdict: The comparison in a sentence.
        heatmaps: Pictures to show.
        facts: ``plan``, ``seed``, graph ``cards`` and ``cohort``.
    """
    cohort, plan = facts["cohort"], facts["plan"]
    subtitle = f"{len(cohort)} synthetic slides of {len(set(cohort.patients))} made-up patients, "
    write_index(
        out / "index.html",
        "wsigraph demo: does space help?",
        list(_sections(out, metrics, comparison, verdict=verdict, heatmaps=heatmaps, facts=facts)),
        subtitle=subtitle + f"{plan.folds} folds by patient, seed {facts['seed']}",
        badges=["synthetic data"],
    )


def _sections(
    out: Path,
    metrics: Mapping[str, Any],
    comparison: PairedDifference,
    *,
    verdict: str,
    heatmaps: Sequence[Path],
    facts: Mapping[str, Any],
) -> list[Section]:
    return [
        Notice(
            [
                "Every slide, patient and label on this page is synthetic. The numbers show that the "
                "software works; they say nothing about tissue or about any real cohort."
            ]
        ),
        Numbers("", [*map(_headline, metrics, metrics.values()), _difference(comparison)]),
        Text("", [verdict]),
        _question(facts),
        _metrics_table(metrics),
        Pictures(
            "Where srmil looks",
            [Picture(path, _caption(path, facts["cohort"])) for path in heatmaps],
            wide=True,
        ),
        _overlays(out, facts["cohort"]),
        _cards_table(facts["cards"]),
        Pictures(
            "Training", [Picture(out / name / "curves.png", f"{name}: one line per fold") for name in metrics]
        ),
        Pictures(
            "Confusion", [Picture(out / name / "confusion.png", f"{name}, out of fold") for name in metrics]
        ),
        _links(metrics),
        Details("Run it again", _commands(facts)),
    ]


def _question(facts: Mapping[str, Any]) -> Text:
    settings = ", ".join(f"{name} = {value}" for name, value in facts["plan"].changes.items())
    return Text(
        "The question",
        [
            "Each slide holds the same number of follicles (purple, full of nuclei) in the same amount of "
            "stroma. In the class 'clustered' the follicles stand together, in 'scattered' they stand "
            "apart. A model that sees the slide as a set of patches has nothing to go by; a model that "
            "sees which patches are neighbours has.",
            f"Both methods saw the same features ({_encoder(facts)}) in the same folds. Settings that "
            f"differ from the published recipes, to be quick: {settings}.",
        ],
    )


def _overlays(out: Path, cohort: Any) -> Pictures:
    pictures = [
        Picture(
            out / "features" / "overlays" / f"{slide.slide_id}.png",
            f"{slide.slide_id} ({slide.label}, synthetic): tissue outline and patches",
        )
        for slide in cohort.slides[:2]
    ]
    return Pictures("Tissue and patches", pictures)


def _headline(name: str, metrics: Mapping[str, Any]) -> Number:
    value, interval = shown(metrics["slide"]["auc"])
    return Number(f"AUC, {METHOD_WORDS[name]}", value, interval)


def _difference(found: PairedDifference) -> Number:
    note = f"{found.low:+.3f} to {found.high:+.3f}, p = {found.p_value:.3g}"
    return Number("Paired difference", f"{found.difference:+.3f}", note)


def _metrics_table(metrics: Mapping[str, Any]) -> Table:
    columns = ["Metric", *(part for name in metrics for part in (METHOD_WORDS[name], "95 % interval"))]
    rows = [
        [word, *(text for one in metrics.values() for text in shown(one["slide"][name]))]
        for name, word in NAMES.items()
    ]
    caption = (
        "Per slide, out of fold; intervals by resampling patients. Lower is better for the last two rows."
    )
    return Table("Metrics", columns, rows, caption)


def _cards_table(cards: Mapping[str, Mapping[str, Any]]) -> Table:
    names = {
        "num_nodes": "Patches",
        "num_edges": "Edges",
        "mean_degree": "Neighbours",
        "components": "Pieces",
    }
    rows = [
        [slide, *(f"{card[name]:.4g}" for name in names), "; ".join(card["warnings"]) or "none"]
        for slide, card in list(cards.items())[:5]
    ]
    caption = f"The first {len(rows)} of {len(cards)} slides; all are in graph_cards.json."
    return Table("Graphs", ["Slide", *names.values(), "Warnings"], rows, caption)


def _links(metrics: Mapping[str, Any]) -> Links:
    links = [Link("labels.csv", "labels.csv", "the manifest"), Link("slides", "slides/", "pyramidal TIFFs")]
    for name in metrics:
        links.append(Link(f"{name}/predictions.csv", f"{name}/predictions.csv", "one row per slide"))
        links.append(Link(f"{name}/run.json", f"{name}/run.json", "recipe, versions, seeds, hashes"))
    return Links("Files", [*links, Link("heatmaps", "heatmaps/", "PNG, and GeoJSON for QuPath")])


def _caption(path: Path, cohort: Any) -> str:
    label = next(slide.label for slide in cohort.slides if slide.slide_id == path.stem)
    return f"{path.stem} (synthetic, truly {label}), by the fold that had not seen it"


def _encoder(facts: Mapping[str, Any]) -> str:
    return f"built-in encoder stain_texture, patches of {facts['plan'].layout.cell_px} px"


def _commands(facts: Mapping[str, Any]) -> str:
    plan = facts["plan"]
    changes = " ".join(f"--set {name}={value}" for name, value in plan.changes.items())
    lines = [
        f"wsigraph encode slides --out features --patch-px {plan.layout.cell_px} --mpp {plan.layout.mpp}",
        "wsigraph card features",
        *(
            f"wsigraph train labels.csv --features features --recipe {name} --folds {plan.folds} "
            f"--seed {facts['seed']} {changes} --out {name}"
            for name in ("srmil", "abmil")
        ),
    ]
    return "\n".join(lines)
