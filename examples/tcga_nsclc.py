"""TCGA-NSCLC by SRMIL: adenocarcinoma against squamous cell carcinoma of the lung, 5 folds by patient.

    python examples/tcga_nsclc.py [SLIDES.csv] --features DIR --out RUN [--recipe abmil]
    python examples/tcga_nsclc.py --smoke --out RUN [--random]

``SLIDES.csv`` has columns ``slide_id`` of barcodes, which name patient and site, and ``label``; without it
the list in WSIGRAPH_DATA is read. Features come from ``wsigraph encode``, or from TRIDENT, CLAM and others as
they are. ``--smoke`` makes up features for every fourth patient, in two folds: its numbers mean nothing, and
with ``--random`` they are chance. Published AUC lies between .92 and .98 by the features, and with foundation
features all methods tie: compare with ``--recipe abmil`` on the same folds before believing in a graph.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np

import wsigraph as wg
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.scores import emit_scores
from wsigraph.io.cohorts.make import public_slides
from wsigraph.pipelines.train import feature_width

QUICK = {"optimiser.epochs": 2, "optimiser.lr": 2e-3, "encoder.hidden_channels": 32, "encoder.heads": 2}
SMOKED = 4


def make_up(name: str, squamous: bool, folder: Path, *, shift: float) -> None:
    """Synthetic features of 60 to 100 patches, of which a block of 16 shows the class."""
    rng = np.random.default_rng(list(name.encode()))
    cells = np.argwhere(np.ones((10, 10)))[: int(rng.integers(60, 101))]
    x = rng.standard_normal((len(cells), 8))
    block = np.flatnonzero((cells[:, 0] < 4) & (cells[:, 1] < 4))
    x[block, int(squamous)] += shift
    told = {"patch_size_level0": 512.0, "patch_px": 256, "mpp": 0.25, "encoder": "synthetic"}
    made = wg.PatchFeatures(name, x.astype(np.float32), cells[:, ::-1] * 512, **told)
    wg.write_features(folder / f"{name}.h5", made)


def main(given: list[str] | None = None) -> dict:
    """Cross-validate, and print what came out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", type=Path, nargs="?")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("WSIGRAPH_DATA", "../shared/data")))
    parser.add_argument("--features", type=Path)
    parser.add_argument("--recipe", default="srmil", help="srmil, abmil or any other")
    parser.add_argument("--k", type=int, default=8, help="neighbours of a patch, for recipes with a graph")
    parser.add_argument("--folds", type=int, help="[5]")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--random", action="store_true", help="a smoke without signal")
    asked = parser.parse_args(given)
    if not asked.smoke and asked.features is None:
        parser.error("--features is needed, or --smoke")

    # Cohort: diagnostic slides; the barcode names the patient, whose slides stay on one side.
    tables, features, left = asked.table or asked.data / "manifests", asked.features, []
    if asked.smoke:
        slides, features = public_slides("tcga_nsclc", tables), asked.out / "made_up"
        patients = list(dict.fromkeys(slide.patient_id for slide in slides))
        left = [patient for place, patient in enumerate(patients) if place % SMOKED]
        for slide in slides:
            if slide.patient_id not in left:
                shift = 0.0 if asked.random else 1.5
                make_up(slide.slide_id, slide.label == "LUSC", features, shift=shift)
    manifest = asked.out / "labels.csv"
    cohort = wg.cohort("tcga_nsclc", tables, features=features, out=manifest, leave_out=left)
    patients, sites = set(cohort.patients), {slide.site for slide in cohort.slides}
    print(f"cohort: {len(cohort):,} slides of {len(patients):,} patients, {len(sites)} sites", flush=True)

    # Graph: each patch and its nearest neighbours; patches as far as the last of them count too.
    graph = {"graph": {"name": "knn", "k": asked.k}}

    # Recipe: the paper on a page, or the method to compare it with, which may read no edges.
    recipe = wg.recipe(asked.recipe, in_channels=feature_width(cohort), classes=cohort.classes)
    recipe = recipe.with_settings(graph if recipe.graph.name == "knn" else {})
    recipe = recipe.with_settings(QUICK if asked.smoke else {})

    # Fit: every slide is answered by a network that never saw its patient.
    run, folds = asked.out / asked.recipe, asked.folds or (2 if asked.smoke else 5)
    with ScreenReporter() as reporter:
        result = wg.cross_validate(recipe, cohort, folds=folds, out=run, reporter=reporter)

    # Evaluate: by slide and by patient.
    emit_scores(result.metrics, title=f"{recipe.name}, out of fold", run=run)
    print(f"report: {run / 'report.html'}")
    return result.metrics


if __name__ == "__main__":
    main()
