"""SRMIL, HMIL and HNM-WSI in one run: one graph network, heads for a label tree, and ranked pairs of slides.

    python examples/all_three.py labels.csv --features DIR --levels group,subtype --out RUN
    python examples/all_three.py --smoke --out RUN

Each method is some entries of one recipe: reconstruction on a masked view (SRMIL), a head for each level of
the tree with alignments and contrast between them (HMIL), a head that scores patches, whose pairs are ranked
(HNM-WSI). The tree is what the manifest's columns imply. ``--smoke`` makes up slides over a made-up tree: its
numbers mean nothing.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import wsigraph as wg
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.io.label_tree_file import label_tree_of_manifest
from wsigraph.pipelines.train import feature_width
from wsigraph.synthetic.hierarchy import tree_cohort
from wsigraph.synthetic.tree_signal import SetSignal

QUICK = {
    "encoder.hidden_channels": 16,
    "encoder.heads": 2,
    "heads.fine.embed_channels": 16,
    "heads.fine.hidden_channels": 16,
    "heads.coarse.hidden_channels": 16,
    "heads.patches.query_channels": 16,
    "optimiser.epochs": 2,
    "optimiser.lr": 3e-3,
}
"""Sizes of the smoke run."""


def make_up(out: Path) -> Path:
    """Synthetic slides of seven classes in three groups, a few labelled coarsely; returns the manifest."""
    cohort = tree_cohort(35, seed=0, signal=SetSignal(strength=8.0, siblings=1.0, grid=8), coarse_only=0.1)
    out.mkdir(parents=True, exist_ok=True)
    manifest = out / "labels.csv"
    with open(manifest, "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["slide_id", "patient_id", *cohort.tree.levels])
        for features, patient, labels in zip(cohort.features, cohort.patients, cohort.labels, strict=True):
            wg.write_features(out / "features" / f"{features.slide_id}.h5", features)
            told = (names[k] if k >= 0 else "" for names, k in zip(cohort.tree.classes, labels, strict=True))
            rows.writerow([features.slide_id, patient, *told])
    return manifest


def main(given: list[str] | None = None) -> dict:
    """Cross-validate the recipe and print its metrics."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("manifest", type=Path, nargs="?")
    parser.add_argument("--features", type=Path)
    parser.add_argument("--levels", default="group,subtype", help="columns of the manifest, coarse to fine")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--smoke", action="store_true")
    asked = parser.parse_args(given)
    if not asked.smoke and (asked.manifest is None or asked.features is None):
        parser.error("a manifest and --features are needed, or --smoke")
    manifest = make_up(asked.out / "made_up") if asked.smoke else asked.manifest
    features = manifest.parent / "features" if asked.smoke else asked.features
    tree = label_tree_of_manifest(manifest, columns=asked.levels.split(","))
    task = Hierarchy(tree, target_col=asked.levels)
    cohort = wg.Cohort.from_manifest(manifest, features=features, task=task)
    recipe = wg.recipe("all_three", in_channels=feature_width(cohort), task=task)
    if asked.smoke:
        recipe = recipe.with_settings(QUICK)
    for name, term in recipe.terms.items():
        ends = "" if term.weight_end is None else f" to {term.weight_end:g}"
        print(f"term {name}: weight {term.weight:g}{ends}")
    result = wg.cross_validate(recipe, cohort, folds=2 if asked.smoke else asked.folds, out=asked.out / "run")
    for name in ("accuracy", "auc", "severity", "hierarchical_f1"):
        if name in result.metrics["slide"]:
            one = result.metrics["slide"][name]
            print(f"{name}: {one['value']:.4f} [{one['low']:.4f}, {one['high']:.4f}]")
    return result.metrics


if __name__ == "__main__":
    main()
