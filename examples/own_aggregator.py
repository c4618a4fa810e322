"""A way of pooling of your own: one class, checked by the kit that every part here passes, in a recipe.

    python examples/own_aggregator.py [--out own_aggregator]

The class statement registers the part in the process that imports its module, and recipes know it by name.
A package of yours announces it by an entry point of the group ``wsigraph.aggregator``; then the command line
knows it too. The slides are synthetic: classes differ in the share of one kind of patch.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch
from torch import Tensor

import wsigraph as wg
from wsigraph.data.bags import Bags
from wsigraph.nn.aggregators.base import Aggregated, Aggregator
from wsigraph.synthetic.features import composition_cohort
from wsigraph.testing import check_aggregator

QUICK = {"optimiser.epochs": 8, "optimiser.lr": 1e-3, "encoder.hidden_channels": 32}


class LogSumExp(Aggregator, name="log_sum_exp"):
    r"""A mean at small ``sharpness``, the maximum at large.

    .. math::  z_c = \frac{1}{r} \log \frac{1}{N} \sum_i \exp(r\, x_{ic})

    Args:
        in_channels: Channels of each node.
        sharpness: r above 0.

    Shape: x ``[N, in_channels]`` -> embedding ``[B, in_channels]``; no attention.
    Source: Pinheiro and Collobert 2015, as pooling of a network's map.
    """

    def __init__(self, in_channels: int, *, sharpness: float = 4.0) -> None:
        super().__init__()
        self.out_channels, self.sharpness = in_channels, sharpness

    def forward(self, x: Tensor, bags: Bags) -> Aggregated:
        """Pool the nodes of each slide; slides of different sizes come in one batch."""
        bags.require_rows(where="LogSumExp")
        sums = [torch.logsumexp(self.sharpness * one, 0) - math.log(len(one)) for one in bags.split(x)]
        return Aggregated(torch.stack(sums) / self.sharpness)


def main(given: list[str] | None = None) -> dict:
    """Check the part, and compare it with attention on the same folds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("own_aggregator"))
    asked = parser.parse_args(given)

    # Order of patches, slides of a batch kept apart, one patch, no patch, gradients, saving and loading.
    check_aggregator(LogSumExp)
    print("LogSumExp keeps every promise of an aggregator")

    made, rows = composition_cohort(40), ["slide_id,patient_id,label"]
    for features, label, patient in zip(made.features, made.labels, made.patients, strict=True):
        wg.write_features(asked.out / "features" / f"{features.slide_id}.h5", features)
        rows.append(f"{features.slide_id},{patient},{made.classes[label]}")
    (asked.out / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    cohort = wg.Cohort.from_manifest(asked.out / "labels.csv", features=asked.out / "features")

    # A recipe is a page of names and numbers: abmil with another aggregator is this one.
    abmil = wg.recipe("abmil", in_channels=made.features[0].x.shape[1], classes=cohort.classes)
    abmil = abmil.with_settings(QUICK)
    mine = abmil.with_settings({"heads.bag.aggregator": {"name": "log_sum_exp", "sharpness": 4.0}})
    scores = {}
    for name, recipe in {"gated attention": abmil, "log-sum-exp": mine}.items():
        result = wg.cross_validate(recipe, cohort, folds=2, out=asked.out / name.replace(" ", "_"))
        scores[name] = result.metrics["slide"]["auc"]
        low, high = scores[name]["low"], scores[name]["high"]
        print(f"{name}: AUC {scores[name]['value']:.3f} [{low:.3f}, {high:.3f}], synthetic slides")
    return scores


if __name__ == "__main__":
    main()
