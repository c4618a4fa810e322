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

import wsigraph as wg
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.scores import emit_scores
from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.io.cohorts.make import public_slides
from wsigraph.pipelines.train import feature_width
from wsigraph.synthetic.hierarchy import slide_of_class
from wsigraph.synthetic.tree_signal import SetSignal
from wsigraph.training.official_split import overlap_told, patients_on_several_sides

TREE = ready_tree("bracs")
GAT = {"encoder": {"name": "gat", "hidden_channels": 256, "heads": 4, "num_layers": 2}, "self_loops": True}
GRAPHS = {"own": {}, "knn": {"graph": {"name": "knn", "k": 8}, **GAT}}
QUICK = {"optimiser.epochs": 6, "optimiser.lr": 3e-3, "sampler.slides_per_step": 16}
SIGNALS = {False: SetSignal(strength=4.0, siblings=0.8, grid=8), True: SetSignal(strength=0.0, grid=8)}


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
    if not asked.smoke and asked.features is None:
        parser.error("--features is needed, or --smoke")

    # Cohort: the official sides. A patient on two of them is named, and stays unless told otherwise.
    tables, gone = asked.table or asked.data / "manifests", []
    slides = public_slides("bracs", tables)
    shared = patients_on_several_sides([s.split for s in slides], [s.patient_id for s in slides])
    if shared:
        todo = "only their last side stays" if asked.drop_overlap else "they stay; see --drop-overlap"
        print(f"warning: {overlap_told(shared)}; {todo}.", flush=True)
    if asked.drop_overlap:
        last = {patient: list(counts)[-1] for patient, counts in shared.items()}
        gone = [s.slide_id for s in slides if last.get(s.patient_id, s.split) != s.split]
    features, signal = asked.out / "made_up" if asked.smoke else asked.features, SIGNALS[asked.random]
    for slide in slides if asked.smoke else ():
        made = slide_of_class(slide.slide_id, slide.label, tree=TREE, signal=signal)
        wg.write_features(features / f"{slide.slide_id}.h5", made)
    known = {"features": features, "task": Hierarchy(TREE), "leave_out": gone}
    cohort = wg.cohort("bracs", tables, out=asked.out / "labels.csv", **known)
    told = [slide.split for slide in cohort.slides]
    sides = {s: cohort.subset(i for i, t in enumerate(told) if t == s) for s in ("train", "val", "test")}
    print("cohort:", ", ".join(f"{side} {len(part)}" for side, part in sides.items()), "slides", flush=True)

    # Graph: HMIL reads a set of patches; its heads work as well above attention between 8 neighbours.
    graph = GRAPHS[asked.graph]

    # Recipe: the paper on a page, for this tree.
    recipe = wg.recipe(asked.recipe, in_channels=feature_width(cohort), task=cohort.task)
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
