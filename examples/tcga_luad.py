"""Mutations of TCGA-LUAD by hard negative mining: EGFR, KRAS, STK11, TP53, a task each, 5 folds by patient.

    python examples/tcga_luad.py SLIDES.csv MUTATIONS.csv --features DIR --out RUN [--images DIR]
    python examples/tcga_luad.py --smoke --out RUN [--random]

``SLIDES.csv`` has a column ``slide_id`` of barcodes, of which diagnostic slides alone are read;
``MUTATIONS.csv`` has ``patient_id`` (TCGA-05-4244) and a column of 1 and 0 per gene, where an empty cell
leaves the patient out. Features come from ``wsigraph encode``. With images the encoder is fine-tuned on
pixels, without on frozen features; ``--graph knn`` classifies a graph. ``--smoke`` makes up features and
mutations for every fifth patient of the list in WSIGRAPH_DATA, in three folds: its numbers mean nothing, and
with ``--random`` they are chance. HNM-WSI reports AUC .7235, .6473, .7396 and .7071.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd

import wsigraph as wg
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.screen import interval
from wsigraph.io.cohorts.make import public_slides
from wsigraph.pipelines.mine import mine
from wsigraph.pipelines.train import feature_width
from wsigraph.training.mining.settings import mine_settings

PUBLISHED = {"EGFR": 0.7235, "KRAS": 0.6473, "STK11": 0.7396, "TP53": 0.7071}
GENES = tuple(PUBLISHED)
KNN = {"graph": {"name": "knn", "k": 8}, "encoder": {"name": "gat"}, "self_loops": True}
GRAPHS = {"own": {}, "knn": KNN}
QUICK = {"optimiser.epochs": 3, "optimiser.lr": 2e-2}
QUICK_LOOP = {"rounds": 1, "epochs_per_round": 1, "warmup": 0, "floor": 0.0, "steps": 2, "batch": 64}


def made_up(data: Path, out: Path, *, shift: float) -> list[Path]:
    """Tables of every fifth patient of the true list, with made-up mutations; their features are written."""
    slides = public_slides("tcga_luad", data / "manifests")
    patients = list(dict.fromkeys(slide.patient_id for slide in slides))[::5]
    drawn = (np.random.default_rng(0).random((len(patients), len(GENES))) < 0.4).astype(int)
    table = pd.DataFrame(drawn, columns=list(GENES), index=pd.Index(patients, name="patient_id"))
    names = [slide.slide_id for slide in slides if slide.patient_id in table.index]
    for name in names:
        make_up(name, table.loc[name[:12]].to_numpy(), out / "made_up", shift=shift)
    table.to_csv(out / "made_up_mutations.csv")
    pd.DataFrame({"slide_id": names}).to_csv(out / "made_up_slides.csv", index=False)
    return [out / "made_up_slides.csv", out / "made_up_mutations.csv"]


def make_up(name: str, mutant: np.ndarray, folder: Path, *, shift: float) -> None:
    """Synthetic features of 20 patches, eight of which show the mutations, each in a channel of its own."""
    x = np.random.default_rng(list(name.encode())).standard_normal((20, 8))
    x[:8, : len(mutant)] += shift * mutant
    coords = np.stack([np.arange(20) % 5, np.arange(20) // 5], axis=1) * 512
    told = {"patch_size_level0": 512.0, "patch_px": 256, "mpp": 0.25, "encoder": "synthetic"}
    wg.write_features(folder / f"{name}.h5", wg.PatchFeatures(name, x.astype(np.float32), coords, **told))


def main(given: list[str] | None = None) -> dict:
    """Mine each gene's task and print its AUC beside the published one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", type=Path, nargs="*")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("WSIGRAPH_DATA", "../shared/data")))
    for name in ("--features", "--images"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--genes", default=",".join(GENES))
    parser.add_argument("--folds", type=int, help="[5]")
    parser.add_argument("--recipe", default="hnm", help="hnm, hnm_code or its2clr")
    parser.add_argument("--graph", choices=list(GRAPHS), default="own", help="knn: graph attention, k = 8")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--random", action="store_true", help="a smoke without signal")
    asked = parser.parse_args(given)
    if not asked.smoke and (asked.features is None or not asked.tables):
        parser.error("tables of slides and mutations and --features are needed, or --smoke")

    # Cohort: diagnostic slides with their patients; of each gene, those whose mutation is known.
    tables, features, found = asked.tables, asked.features, {}
    if asked.smoke:
        tables, features = (
            made_up(asked.data, asked.out, shift=0 if asked.random else 4),
            asked.out / "made_up",
        )
    manifest = asked.out / "mutations.csv"
    for gene in asked.genes.split(","):
        cohort = wg.cohort("tcga_luad", tables, features=features, out=manifest, target_col=gene)
        print(f"cohort: {len(cohort)} slides, {cohort.labels.count('mutant')} {gene} mutant", flush=True)

        # Graph: HNM-WSI reads a set of patches; it works as well above attention between 8 neighbours.
        graph = GRAPHS[asked.graph]

        # Recipe: the slide classifier, and the loop around it, which fine-tunes an adapter or a ResNet.
        recipe = wg.recipe(asked.recipe, in_channels=feature_width(cohort), classes=cohort.classes)
        recipe = recipe.with_settings({**graph, **(QUICK if asked.smoke else {})})
        network = {"network": "resnet18"} if asked.images else {}
        loop = mine_settings(asked.recipe, network | (QUICK_LOOP if asked.smoke else {}))

        # Fit: every slide is answered by a loop that never saw its patient.
        folds = asked.folds or (3 if asked.smoke else 5)
        parts = {"settings": loop, "folds": folds, "images": asked.images}
        with ScreenReporter() as reporter:
            result = mine(recipe, cohort, out=asked.out / gene, reporter=reporter, **parts)

        # Evaluate: by patient.
        found[gene] = result.metrics["patient"]["auc"]
        print(f"{gene}: AUC {interval(found[gene])}, published {PUBLISHED[gene]}", flush=True)
    return found


if __name__ == "__main__":
    main()
