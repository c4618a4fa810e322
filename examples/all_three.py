"""SRMIL, HMIL and HNM-WSI in one run: one graph network, heads for a label tree, and ranked pairs of slides.

    python examples/all_three.py labels.csv --features DIR --levels group,subtype --out RUN [--folds 5]
    python examples/all_three.py --smoke --out RUN [--random]

``labels.csv`` has ``slide_id``, ``patient_id`` and a column for each level, coarse to fine: the tree is what
they imply, and a slide of which only the coarse class is known trains that level. Features come from
``wsigraph encode``. Each method is some entries of one recipe: reconstruction on a masked view (SRMIL), a
head for each level with alignments and contrast (HMIL), a head that scores patches, whose pairs are ranked
(HNM-WSI). ``--smoke`` makes up features for every other slide of the official list of BRACS, which is read
from WSIGRAPH_DATA: its numbers mean nothing, and with ``--random`` they are chance.
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
from wsigraph.io.label_tree_file import label_tree_of_manifest
from wsigraph.pipelines.train import feature_width
from wsigraph.synthetic.hierarchy import slide_of_class
from wsigraph.synthetic.tree_signal import SetSignal

QUICK = {
    "encoder.hidden_channels": 32,
    "encoder.heads": 2,
    "heads.fine.embed_channels": 32,
    "heads.fine.hidden_channels": 16,
    "heads.coarse.hidden_channels": 16,
    "heads.patches.query_channels": 16,
    "optimiser.epochs": 3,
    "optimiser.lr": 3e-3,
}
SIGNALS = {False: SetSignal(strength=4.0, siblings=0.6, grid=7), True: SetSignal(strength=0.0, grid=7)}


def made_up(data: Path, out: Path, *, signal: SetSignal) -> tuple[Path, Path]:
    """Manifest and synthetic features of every other slide of BRACS, each a patient of its own."""
    tree = ready_tree("bracs")
    read = pd.read_csv(data / "manifests" / "acmil" / "bracs.csv").iloc[::2]
    lines = [tree.line(-1, number) for number in read["label"]]  # numbered in the order of the tree
    slides = pd.DataFrame({"slide_id": read["slide_id"], "patient_id": read["slide_id"]})
    for level, (name, classes) in enumerate(zip(("group", "subtype"), tree.classes, strict=True)):
        slides[name] = [classes[line[level]] for line in lines]
    out.mkdir(parents=True, exist_ok=True)
    slides.to_csv(out / "labels.csv", index=False)
    for name, label in zip(slides["slide_id"], slides["subtype"], strict=True):
        features = slide_of_class(name, label, tree=tree, signal=signal)
        wg.write_features(out / "features" / f"{name}.h5", features)
    return out / "labels.csv", out / "features"


def main(given: list[str] | None = None) -> dict:
    """Cross-validate the recipe, and print what came out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("manifest", type=Path, nargs="?")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("WSIGRAPH_DATA", "../shared/data")))
    parser.add_argument("--features", type=Path)
    parser.add_argument("--levels", default="group,subtype", help="columns of the manifest, coarse to fine")
    parser.add_argument("--k", type=int, default=8, help="neighbours of a patch")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--random", action="store_true", help="a smoke without signal")
    asked = parser.parse_args(given)
    if not asked.smoke and (asked.manifest is None or asked.features is None):
        parser.error("a manifest and --features are needed, or --smoke")

    # Cohort: slides with a class at each level of the tree that their columns imply.
    manifest, features = asked.manifest, asked.features
    if asked.smoke:
        manifest, features = made_up(asked.data, asked.out / "made_up", signal=SIGNALS[asked.random])
    tree = label_tree_of_manifest(manifest, columns=asked.levels.split(","))
    task = Hierarchy(tree, target_col=asked.levels)
    cohort = wg.Cohort.from_manifest(manifest, features=features, task=task)
    levels = ", ".join(
        f"{len(names)} of {level}" for level, names in zip(tree.levels, tree.classes, strict=True)
    )
    print(f"cohort: {len(cohort)} slides; classes: {levels}", flush=True)

    # Graph: each patch and its nearest neighbours; patches as far as the last of them count too.
    graph = {"graph": {"name": "knn", "k": asked.k}}

    # Recipe: the entries of three methods, with the weights that each has alone.
    recipe = wg.recipe("all_three", in_channels=feature_width(cohort), task=task)
    recipe = recipe.with_settings({**graph, **(QUICK if asked.smoke else {})})
    for name, term in recipe.terms.items():
        ends = "" if term.weight_end is None else f" to {term.weight_end:g}"
        print(f"term {name}: weight {term.weight:g}{ends}", flush=True)

    # Fit: every slide is answered by a network that never saw its patient.
    run, folds = asked.out / "run", 2 if asked.smoke else asked.folds
    with ScreenReporter() as reporter:
        result = wg.cross_validate(recipe, cohort, folds=folds, out=run, reporter=reporter)

    # Evaluate: every level of the tree, and how far off mistakes are.
    emit_scores(result.metrics, title=f"{recipe.name}, out of fold", run=run)
    print(f"report: {run / 'report.html'}")
    return result.metrics


if __name__ == "__main__":
    main()
