"""Mutations of TCGA-LUAD by hard negative mining: EGFR, KRAS, STK11, TP53, a task each, 5 folds by patient.

    python examples/tcga_luad.py --features DIR --mutations CSV --out RUN
    python examples/tcga_luad.py --smoke --out RUN

Features come from ``wsigraph encode``. The table of mutations has a column ``patient_id`` (TCGA-05-4244) and
one of 1 and 0 per gene, as cBioPortal exports it; an empty cell leaves the patient out. The list of slides is
read from WSIGRAPH_DATA, diagnostic slides alone. ``--smoke`` makes up features and mutations for every fifth
patient of the true list: its numbers mean nothing. HNM-WSI reports AUC .7235, .6473, .7396 and .7071.
"""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path

import numpy as np

import wsigraph as wg
from wsigraph.pipelines.mine_cohort import MinePlan, mine_manifest

GENES = ("EGFR", "KRAS", "STK11", "TP53")
CLASSES = ("wild type", "mutant")
PUBLISHED = dict(zip(GENES, (0.7235, 0.6473, 0.7396, 0.7071), strict=True))
QUICK = {"rounds": "1", "epochs_per_round": "1", "warmup": "0", "floor": "0", "steps": "2"}


def diagnostic_slides(data: Path) -> list[str]:
    """Slides of the list whose barcode says DX; the first twelve characters of a barcode are its patient."""
    text = (data / "manifests" / "wikg" / "TCGA_LUAD.csv").read_text(encoding="utf-8")
    names = (row[0].strip() for row in csv.reader(text.splitlines()) if row)
    return sorted({name for name in names if "-DX" in name})


def read_mutations(path: Path) -> dict[str, dict[str, str]]:
    """For each patient the cell of each gene."""
    rows = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines())
    return {row["patient_id"]: {gene: row.get(gene, "") for gene in GENES} for row in rows}


def write_manifest(path: Path, slides: list[str], cells: dict[str, dict[str, str]]) -> None:
    """Slides with their patients and, by gene, ``wild type``, ``mutant`` or nothing."""
    lines = [",".join(("slide_id", "patient_id", *GENES))]
    for name in slides:
        known = cells.get(name[:12], {})
        told = [CLASSES[int(float(known[g]))] if known.get(g, "").strip() else "" for g in GENES]
        lines.append(",".join((name, name[:12], *told)))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def make_up(slides: list[str], out: Path) -> dict[str, dict[str, str]]:
    """Synthetic features of 20 patches for every slide, some of which show its made-up mutations."""
    rng, cells = np.random.default_rng(0), {}
    for name in slides:
        drawn = rng.random(len(GENES)) < 0.4
        mutant = cells.setdefault(name[:12], dict(zip(GENES, drawn.astype(int).astype(str), strict=True)))
        x = rng.standard_normal((20, 8))
        for place, gene in enumerate(GENES):
            x[:5, place] += 2.0 * int(mutant[gene])
        coords = np.stack([np.arange(20) % 5, np.arange(20) // 5], axis=1) * 512
        features = wg.PatchFeatures(
            name,
            x.astype(np.float32),
            coords,
            patch_size_level0=512.0,
            patch_px=256,
            mpp=0.25,
            encoder="synthetic",
        )
        wg.write_features(out / f"{name}.h5", features)
    return cells


def main(given: list[str] | None = None) -> dict:
    """Mine each gene's task and print its AUC beside the published one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("WSIGRAPH_DATA", "../shared/data")))
    parser.add_argument("--features", type=Path)
    parser.add_argument("--mutations", type=Path)
    parser.add_argument("--genes", default=",".join(GENES))
    parser.add_argument("--recipe", default="hnm", help="hnm, hnm_code or its2clr")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--smoke", action="store_true")
    asked = parser.parse_args(given)
    if not asked.smoke and (asked.features is None or asked.mutations is None):
        parser.error("--features and --mutations are needed, or --smoke")
    slides, features = diagnostic_slides(asked.data), asked.features
    if asked.smoke:
        some = sorted({name[:12] for name in slides})[::5]
        slides, features = [name for name in slides if name[:12] in some], asked.out / "made_up"
    cells = make_up(slides, features) if asked.smoke else read_mutations(asked.mutations)
    write_manifest(asked.out / "mutations.csv", slides, cells)
    plan = MinePlan(
        asked.recipe, {"optimiser.epochs": "1"} if asked.smoke else {}, QUICK if asked.smoke else {}
    )
    found = {}
    for gene in asked.genes.split(","):
        result = mine_manifest(
            plan,
            asked.out / "mutations.csv",
            features=features,
            columns={"target_col": gene},
            classes=CLASSES,
            out=asked.out / gene,
        )
        found[gene] = one = result.metrics["patient"]["auc"]
        interval = f"[{one['low']:.4f}, {one['high']:.4f}]"
        print(f"{gene}: AUC {one['value']:.4f} {interval}, published {PUBLISHED[gene]}")
    return found


if __name__ == "__main__":
    main()
