"""``run.json``: what a run is (recipe, data, seeds) and what it ran with (versions)."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wsigraph.errors import RunError, expected
from wsigraph.io.atomic import read_json, write_json
from wsigraph.io.cohort import Cohort
from wsigraph.io.graph_store import GraphStore
from wsigraph.io.join import Join, write_join
from wsigraph.pipelines.reporter import Reporter
from wsigraph.pipelines.start import Start, start_notes, start_record, take
from wsigraph.training.recipe import Recipe
from wsigraph.training.splits import Split

PACKAGES = ("wsigraph", "torch", "torch-geometric", "lightning", "numpy", "scipy", "scikit-learn", "h5py")


def make_record(
    recipe: Recipe,
    cohort: Cohort,
    store: GraphStore,
    *,
    plan: Mapping[str, Any],
    splits: Sequence[Split],
    start: Start | None = None,
) -> dict[str, Any]:
    """The record of a run.

    Args:
        recipe: What is trained.
        cohort: On which slides.
        store: Their graphs, scanned.
        plan: Kind of job, folds, repeats, seed.
        splits: The folds as drawn; their hash tells a resumed run that they are drawn otherwise now.
        start: The run that its weights start from.

    Raises: LeakError, RunError: if that run has seen what it must not.
    """
    slides = {
        slide.slide_id: {
            "patient_id": slide.patient_id,
            "label": slide.label,
            "features_sha256": store.facts[slide.slide_id].digest,
            "patches": store.facts[slide.slide_id].num_nodes,
        }
        for slide in cohort.slides
    }
    begun: dict[str, Any] = {}
    if start is not None:
        digests = [store.facts[slide.slide_id].digest for slide in cohort.slides]
        first = start.folder(splits[0].repeat, splits[0].fold)
        begun = start_record(start, take(first, *recipe.build()), cohort, digests, splits)
        plan = {**plan, "start_from": begun["weights_sha256"]}
    return {
        "plan": dict(plan),
        "splits_sha256": hashlib.sha256(repr(splits).encode()).hexdigest(),
        "recipe": recipe.to_dict(),
        "data": {"source": cohort.source, "slides": slides, "left_out": cohort.left_out},
        **({"join": cohort.join.to_dict()} if cohort.join else {}),
        **({"start": begun} if begun else {}),
        "warnings": [*cohort.notes, *(start_notes(begun) if begun else []), *_graph_warnings(store)],
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "platform": platform.platform(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def open_run(out: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Write the record and ``join.csv``, or check that the folder holds the same run and can be resumed.

    Returns: The record that stands in the folder.
    Raises: RunError: if the folder holds another run; the message names the first difference.
    """
    file = out / "run.json"
    if not file.is_file():
        write_json(file, record)
        if "join" in record:
            write_join(out / "join.csv", Join(record["join"]))
        return record
    there = read_json(file)
    difference = first_difference(there, record)
    if difference:
        raise RunError(
            expected(
                f"Run folder '{out}'",
                "an empty folder or the same run to resume",
                f"another run: {difference}",
                todo="Choose another --out, or delete the folder.",
            )
        )
    return there


def tell_start(record: Mapping[str, Any], reporter: Reporter) -> None:
    """Say what a run starts from, and what that has seen."""
    for note in start_notes(record["start"]) if "start" in record else []:
        reporter.say(f"note: {note}")


def first_difference(a: Mapping[str, Any], b: Mapping[str, Any]) -> str:
    """Where two records of runs differ in recipe, plan or slides; empty if nowhere.

    A setting that a record does not have, because it is older, has its default.
    """
    a, b = ({**record, "recipe": Recipe.from_dict(record["recipe"]).to_dict()} for record in (a, b))
    for part in ("plan", "recipe", "data"):
        left, right = dict(a[part]), dict(b[part])
        left.pop("source", None)
        right.pop("source", None)
        path = _differs(left, right, part)
        if path:
            return path
    if len({record["splits_sha256"] for record in (a, b) if "splits_sha256" in record}) > 1:
        return "its folds were drawn otherwise (by another version of wsigraph)"
    return ""


def _differs(a: Any, b: Any, path: str) -> str:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in dict.fromkeys((*a, *b)):
            if key not in a or key not in b:
                return f"{path}.{key} stands on one side only"
            inner = _differs(a[key], b[key], f"{path}.{key}")
            if inner:
                return inner
        return ""
    same = list(a) == list(b) if isinstance(a, list | tuple) and isinstance(b, list | tuple) else a == b
    return "" if same else f"{path} is {a!r} there and {b!r} here"


def _graph_warnings(store: GraphStore) -> list[str]:
    found: dict[str, list[str]] = {}
    for slide, facts in store.facts.items():
        for warning in facts.warnings:
            found.setdefault(warning, []).append(slide)
    return [
        f"{warning} ({len(slides)} slide{'s' * (len(slides) > 1)}, first '{slides[0]}')"
        for warning, slides in found.items()
    ]
