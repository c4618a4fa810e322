"""Nothing may stand on two sides: no patient, no file under two names, no slide tiled or scanned twice."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wsigraph.errors import WsigraphError
from wsigraph.io.cohort import Cohort
from wsigraph.io.features import read_features
from wsigraph.io.graph_store import SlideFacts
from wsigraph.pipelines.reporter import Reporter
from wsigraph.training.near_duplicates import check_near, near_duplicates
from wsigraph.training.splits import Split, check_leaks

CHECKED = ("patients", "feature hashes", "near-duplicates by feature statistics")
"""What ``check_sides`` looks for."""


@dataclass(frozen=True)
class Traits:
    """What two copies of a slide share.

    Args:
        digest: Hash of its features.
        mean: ``[C]`` mean of each channel over its patches.
        deviation: ``[C]`` standard deviation of the same.
    """

    digest: str
    mean: np.ndarray
    deviation: np.ndarray


def traits_of_facts(facts: Mapping[str, SlideFacts]) -> dict[str, Traits]:
    """Traits from the pass over the slides that every training makes."""
    found = {}
    for name, one in facts.items():
        mean = one.total / one.num_nodes
        variance = np.maximum(one.squares / one.num_nodes - mean * mean, 0.0)
        found[name] = Traits(one.digest, mean, np.sqrt(variance))
    return found


def traits_of_files(cohort: Cohort, reporter: Reporter) -> tuple[dict[str, Traits], dict[str, str]]:
    """Traits from the feature files, one in memory at a time.

    Returns: Traits by slide, and why others cannot be read.
    """
    found: dict[str, Traits] = {}
    failed: dict[str, str] = {}
    reporter.start("Reading features", len(cohort))
    for slide in cohort.slides:
        try:
            features = read_features(slide.path)
        except (WsigraphError, OSError) as error:
            failed[slide.slide_id] = str(error)
        else:
            x = np.asarray(features.x, dtype=np.float64)
            digest = hashlib.sha256(features.x.tobytes() + features.coords.tobytes()).hexdigest()
            found[slide.slide_id] = Traits(digest, x.mean(0), x.std(0))
        reporter.advance("Reading features")
    reporter.finish("Reading features")
    return found, failed


def check_sides(
    splits: Sequence[Split],
    cohort: Cohort,
    traits: Mapping[str, Traits],
    *,
    overlap: Collection[str] = (),
) -> None:
    """Refuse splits with a patient, a hash or a nearly equal slide on two sides.

    Args:
        splits: The sides.
        cohort: Their slides.
        traits: Of every slide of the cohort; all of one width.
        overlap: Patients that may stand on several sides, and their own slides be alike.

    Raises: LeakError: naming what leaks between which sides.
    """
    names = [slide.slide_id for slide in cohort.slides]
    mine = [traits[name] for name in names]
    digests = [one.digest for one in mine]
    pairs = near_duplicates(np.stack([one.mean for one in mine]), np.stack([one.deviation for one in mine]))
    owners = cohort.patients
    pairs = [p for p in pairs if not (owners[p.first] == owners[p.second] and owners[p.first] in overlap)]
    for split in splits:
        check_leaks(split, owners, digests, overlap=overlap)
        check_near(split, names, pairs)
