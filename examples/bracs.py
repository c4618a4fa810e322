"""BRACS by HMIL: seven lesions of the breast in three groups, on the official split.

    python examples/bracs.py BRACS.csv --features DIR --out RUN [--graph knn] [--drop-overlap]
    python examples/bracs.py --smoke --out RUN [--random]

``BRACS.csv`` is the sheet ``WSI_Information`` of the data set's own ``BRACS.xlsx``, saved as CSV; features
come from ``wsigraph encode``. Without a table the official list in WSIGRAPH_DATA is read, which names no
patients. ``--smoke`` makes up features for every slide of the list: its numbers mean nothing, and with
``--random`` they are chance. HMIL reports accuracy .556, AUC .830 and F1 .390, on resamples of its own.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pandas as pd

import wsigraph as wg
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.scores import emit_scores
from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.pipelines.train import feature_width
from wsigraph.synthetic.hierarchy import slide_of_class
from wsigraph.synthetic.tree_signal import SetSignal
from wsigraph.training.official_split import overlap_told, patients_on_several_sides, side_of

TREE = ready_tree("bracs")
COLUMNS = {  # of the data set's own table, and of the public list, whose case_id is the row and no patient
    "slide_id": ("WSI Filename", "slide_id"),
    "patient_id": ("Patient Id", "patient_id"),
    "label": ("WSI label", "label"),
    "split": ("Set", "split_info", "split"),
}
GAT = {"encoder": {"name": "gat", "hidden_channels": 256, "heads": 4, "num_layers": 2}, "self_loops": True}
GRAPHS = {"own": {}, "knn": {"graph": {"name": "knn", "k": 8}, **GAT}}
QUICK = {"optimiser.epochs": 10, "optimiser.lr": 3e-3, "sampler.slides_per_step": 16}
SIGNALS = {False: SetSignal(strength=4.0, siblings=0.8, grid=8), True: SetSignal(strength=0.0, grid=8)}


def official_list(table: Path) -> pd.DataFrame:
    """Slide, label, side and, where the table tells it, patient."""
    read = pd.read_csv(table, dtype=str, keep_default_na=False)
    named = {name: ours for ours, known in COLUMNS.items() for name in known if name in read}
    missing = [known[0] for ours, known in COLUMNS.items() if ours not in (*named.values(), "patient_id")]
    if missing:
        raise SystemExit(f"{table}: expected columns {missing}, got {list(read)}")
    slides = read.rename(columns=named)[list(named.values())]
    numbers = {str(number): name for number, name in enumerate(TREE.names())}
    slides["label"] = slides["label"].replace(numbers)  # the public list numbers them in the tree's order
    sides = slides["split"].map(side_of)
    if "" in set(sides):
        words = sorted(set(slides["split"][sides == ""]))
        raise SystemExit(f"{table}: expected train, val or test for every slide, got {words}")
    return slides.assign(split=sides)


def main(given: list[str] | None = None) -> dict:
    """Train on the official split, answer its test slides, and print what came out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", type=Path, nargs="?")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("WSIGRAPH_DATA", "../shared/data")))
    parser.add_argument("--features", type=Path)
    parser.add_argument("--recipe", default="hmil", help="hmil, hmil_code or any other")
    parser.add_argument("--graph", choices=list(GRAPHS), default="own", help="knn: graph attention, k = 8")
    parser.add_argument("--drop-overlap", action="store_true", help="keep no patient on two sides")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--random", action="store_true", help="a smoke without signal")
    asked = parser.parse_args(given)
    table = asked.table or asked.data / "manifests" / "acmil" / "bracs.csv"
    if not asked.smoke and asked.features is None:
        parser.error("--features is needed, or --smoke")
    if not table.is_file():
        parser.error(f"no table '{table}': give one, or set WSIGRAPH_DATA")

    # Cohort: the official sides. A patient on two of them is named, and stays unless told otherwise.
    slides = official_list(table)
    patients = slides.get("patient_id", slides["slide_id"])
    shared = patients_on_several_sides(slides["split"].tolist(), patients.tolist())
    if shared:
        todo = "only their last side stays" if asked.drop_overlap else "they stay; see --drop-overlap"
        print(f"warning: {overlap_told(shared)}; {todo}.", flush=True)
    if asked.drop_overlap:
        last = patients.map({patient: list(counts)[-1] for patient, counts in shared.items()})
        slides = slides[last.isna() | (slides["split"] == last)]
    asked.out.mkdir(parents=True, exist_ok=True)
    slides.to_csv(asked.out / "labels.csv", index=False)
    features, signal = asked.out / "made_up" if asked.smoke else asked.features, SIGNALS[asked.random]
    for name, label in zip(slides["slide_id"], slides["label"], strict=True) if asked.smoke else ():
        wg.write_features(features / f"{name}.h5", slide_of_class(name, label, tree=TREE, signal=signal))
    task = Hierarchy(TREE)
    cohort = wg.Cohort.from_manifest(asked.out / "labels.csv", features=features, task=task)
    told = [slide.split for slide in cohort.slides]
    sides = {s: cohort.subset(i for i, t in enumerate(told) if t == s) for s in ("train", "val", "test")}
    print("cohort:", ", ".join(f"{side} {len(part)}" for side, part in sides.items()), "slides", flush=True)

    # Graph: HMIL reads a set of patches; its heads work as well above attention between 8 neighbours.
    graph = GRAPHS[asked.graph]

    # Recipe: the paper on a page, for this tree.
    recipe = wg.recipe(asked.recipe, in_channels=feature_width(cohort), task=task)
    recipe = recipe.with_settings({**graph, **(QUICK if asked.smoke else {})})

    # Fit: validation slides choose the epoch, test slides are answered once.
    with ScreenReporter() as reporter:
        result = wg.fit(recipe, **sides, overlap=tuple(shared), out=asked.out / "run", reporter=reporter)

    # Evaluate: every level of the tree, and how far off mistakes are.
    emit_scores(result.metrics, title=f"{recipe.name}, official test slides", run=result.path)
    print(f"report: {result.path / 'report.html'}")
    return result.metrics


if __name__ == "__main__":
    main()
