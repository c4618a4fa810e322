"""HER2-positive breast sections, spot by spot: tumour or not, in a patient that was never seen?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from wsigraph.data.node_labels import NodeLabels
from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.atomic import sha256
from wsigraph.io.report.sections import Section
from wsigraph.io.splits import NamedSplit, SplitSet
from wsigraph.pipelines.benchmark.entrants import PARTNER, wished
from wsigraph.pipelines.benchmark.page_patients import patients_table
from wsigraph.pipelines.benchmark.plan import Contest
from wsigraph.pipelines.benchmark.prepared import Bag, prepared
from wsigraph.pipelines.benchmark.results import Results
from wsigraph.pipelines.benchmark.suite import Suite, Wish

FILE = "her2st_shared_A-F.npz"
CLASSES = ("other", "tumour")
TUMOUR, UNKNOWN = ("invasive cancer", "cancer in situ"), "undetermined"
RECIPES = ("abmil", "gcn", "gin", "sage", "gat", "gatv2", "pna", "srmil")
"""One set method, because sets differ in how they pool and nothing is pooled here."""
IN_CHANNELS = 1000
PITCH_UM, SPOT_UM = 200, 100
GRAPH = {"name": "window", "rings": 1}
SETTINGS = {"optimiser.epochs": 40, "checkpoint.patience": 20}


class Her2st(Suite, name="her2st"):
    """Six patients, one section each, 2,401 spots of 1,000 genes; every spot is answered, and no section.

    A spot's neighbours are the eight around it on the array. A recipe's encoder answers under a linear node
    head (``training.node_head``): of ``abmil`` remains its embedding of single spots, which makes it the one
    that sees spots alone. Tumour is "invasive cancer" or "cancer in situ" as a pathologist marked it; the 176
    spots "undetermined" are seen by their neighbours and stand in no loss and no score. Genes are log counts
    per million, all of them, standardised with the training sections. Leave one patient out: the next patient
    chooses the epoch, the other four train. With six patients an interval over patients is wide. Epochs were
    chosen by the validation losses of ``abmil`` and ``gcn`` on seed 0: best between epochs 1 and 30.

    Coordinates are numbers of spots times the array's pitch, in um, not pixels of a picture.

    A floor: logistic regression on single spots, learned from all five other patients, reaches an AUC of
    about .84 (.86 with the mean of the neighbours beside it) as a mean over patients. With the four that
    learn here, tried once (L2, C 1e-4), it is .79, and .74 over the spots of all patients together, as
    results tell it: networks of different folds disagree on how likely a tumour is.

    Source: Andersson et al. 2021.
    """

    title = "her2st: tumour in 2,225 spots of 6 breast sections, 1,000 genes, leave one patient out"
    names = ("her2st",)
    needs = "her2st"

    def contest(self, name: str, wish: Wish) -> Contest:
        """The spots."""
        source, folder = self.source(wish) / FILE, wish.work / self.name
        bags = list(read_sections(source))
        cohort = prepared(
            folder,
            lambda: (bag for bag, _ in bags),
            slides=len(bags),
            facts={"source": sha256(source)},
            classes=CLASSES,
            reporter=wish.reporter,
            target_col=None,
        )
        recipes = wished(
            wish, usual=RECIPES, in_channels=IN_CHANNELS, classes=CLASSES, graph=GRAPH, settings=SETTINGS
        )
        labels = {bag.features.slide_id: known for bag, known in bags}
        splits = leave_one_out({bag.features.slide_id: bag.patient_id for bag, _ in bags})
        return Contest(name, cohort, recipes, splits=splits, nodes=labels)

    def sections(self, wish: Wish, results: Results) -> list[Section]:
        """How well spots are ordered inside each patient."""
        (name,) = self.names
        answers = results.answers(name)
        partner = PARTNER if PARTNER in answers else ""
        return [patients_table(name, answers, partner=partner)] if answers else []


def read_sections(source: Path) -> Iterator[tuple[Bag, NodeLabels]]:
    """Each section, in the order of the patients, and what is known of its spots.

    Args:
        source: The file of spots.

    Units: um on the array for coords.
    """
    with np.load(source, allow_pickle=False) as file:
        held = {name: file[name] for name in ("x", "section", "patient", "spot", "label")}
    for section in dict.fromkeys(held["section"].tolist()):
        mine = held["section"] == section
        names = held["spot"][mine].tolist()
        cells = np.array([[int(number) for number in name.split("x")] for name in names])
        features = PatchFeatures(
            section,
            held["x"][mine],
            cells * PITCH_UM - SPOT_UM // 2,
            patch_size_level0=SPOT_UM,
            step_level0=PITCH_UM,
            mpp=1.0,
            encoder=f"her2st_genes_{IN_CHANNELS}",
            level0_known=False,
        )
        told = held["label"][mine]
        targets = np.where(told == UNKNOWN, -1, np.isin(told, TUMOUR)).astype(np.int64)
        yield Bag(features, str(held["patient"][mine][0]), ""), NodeLabels(tuple(names), targets)


def leave_one_out(patients: Mapping[str, str]) -> SplitSet:
    """Each patient tested once; the one behind validates, the last one's is the first.

    Args:
        patients: Patient by slide.
    """
    order = list(dict.fromkeys(patients.values()))

    def of(wanted: set[str]) -> tuple[str, ...]:
        return tuple(slide for slide, patient in patients.items() if patient in wanted)

    folds = []
    for fold, tested in enumerate(order):
        chooses = order[(fold + 1) % len(order)]
        train = of(set(order) - {tested, chooses})
        folds.append(NamedSplit(0, fold, train, of({chooses}), of({tested})))
    return SplitSet(tuple(folds), "Leave one patient out", kind="leave one patient out")
