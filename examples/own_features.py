"""Features from an encoder of your own: written with what a graph needs to know, looked over, and trained on.

    python examples/own_features.py [--out own_features]

The arrays here are synthetic. Yours are ``x``, a row per patch, and ``coords``, the top-left corner of each
in pixels of level 0. Files of TRIDENT, CLAM, STAMP and other tools need no rewriting: ``wg.read_features``
and ``wsigraph train --features`` read them as they are.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import wsigraph as wg


def encode(slide: str, *, tumour: bool) -> tuple[np.ndarray, np.ndarray]:
    """What your encoder would give: 16 channels of every patch on a ragged piece of tissue (synthetic)."""
    rng = np.random.default_rng(list(slide.encode()))
    cells = np.argwhere(rng.random((14, 14)) < 0.8)
    x = rng.standard_normal((len(cells), 16)).astype(np.float32)
    x[(cells < 4).all(axis=1)] += 2.0 * tumour  # one corner shows the class
    return x, cells[:, ::-1] * 512


def main(given: list[str] | None = None) -> dict:
    """Write features, look at their graphs, train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("own_features"))
    asked = parser.parse_args(given)
    folder, rows = asked.out / "features", ["slide_id,patient_id,label"]

    # 256 px at .5 um/px of a slide scanned at .25 um/px: a patch is 512 px wide at level 0, the next stands
    # 512 px further on. Without these numbers wsigraph has to infer the step, and says how surely.
    for index in range(40):
        slide, tumour = f"slide_{index:02d}", bool(index % 2)
        x, coords = encode(slide, tumour=tumour)
        features = wg.PatchFeatures(
            slide,
            x,
            coords,
            patch_size_level0=512.0,
            patch_px=256,
            step_level0=512.0,
            mpp=0.25,
            encoder="mine",
        )
        wg.write_features(folder / f"{slide}.h5", features)  # atomic: a file that is there is whole
        rows.append(f"{slide},patient_{index},{'tumour' if tumour else 'normal'}")
    manifest = asked.out / "labels.csv"
    manifest.write_text("\n".join(rows) + "\n", encoding="utf-8")

    # Look before training: edges, isolated patches, the step and how surely the coordinates keep to it.
    features = wg.read_features(folder / "slide_01.h5")
    card = wg.to_graph(features, wg.KNN(k=8)).card()
    print(
        f"{card.slide_id}: {card.num_nodes} patches, {card.mean_degree:.1f} neighbours each, step "
        f"{card.step:g} px (confidence {card.step_confidence:.2f}), {card.isolated} isolated"
    )
    for warning in card.warnings:
        print(f"warning: {warning}")

    # The same as: wsigraph doctor labels.csv --features features, then wsigraph train labels.csv ...
    cohort = wg.Cohort.from_manifest(manifest, features=folder)
    recipe = wg.recipe("srmil", in_channels=features.x.shape[1], classes=cohort.classes)
    recipe = recipe.with_settings(
        {"optimiser.epochs": 6, "optimiser.lr": 1e-3, "encoder.hidden_channels": 32}
    )
    result = wg.cross_validate(recipe, cohort, folds=2, out=asked.out / "run")
    auc = result.metrics["slide"]["auc"]
    print(f"AUC {auc['value']:.3f} [{auc['low']:.3f}, {auc['high']:.3f}], synthetic; {asked.out / 'run'}")
    return {"card": card, "metrics": result.metrics}


if __name__ == "__main__":
    main()
