"""Fixtures shared by all tests: where real data and golden numbers lie, and stand-ins torchvision needs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wsigraph.compat import mend_torchvision

mend_torchvision()

ROOT = Path(__file__).parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first in each half: two processes begin with one each, and help the other at the end."""
    slow = [item for item in items if item.get_closest_marker("slow")]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    examples = [item for item in slow if item.path.stem == "test_examples"]
    others = [item for item in slow if item.path.stem != "test_examples"]
    share = max(0, len(items) // 2 - len(examples))
    items[:] = [*examples, *quick[:share], *others, *quick[share:]]


def _place(variable: str, default: Path) -> Path:
    place = Path(os.environ.get(variable) or default).resolve()
    if not place.exists():
        reason = f"{variable}={place} does not exist; set {variable} to where the data lies"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return place


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real slides and cohorts (``WSIGRAPH_DATA``)."""
    return _place("WSIGRAPH_DATA", ROOT.parent / "shared" / "data")


@pytest.fixture(scope="session")
def golden_file() -> Path:
    """Golden numbers of SRMIL (``WSIGRAPH_GOLDEN``)."""
    return _place("WSIGRAPH_GOLDEN", ROOT.parent / "shared" / "golden" / "srmil_official_golden.safetensors")


@pytest.fixture(scope="session")
def timm():
    """timm, importable beside a CPU build of torch."""
    return pytest.importorskip("timm")


@pytest.fixture(scope="session")
def write_tree_cohort():
    """Write synthetic feature files over a label tree and a manifest with a column per level, and ``label``
    with the finest known class; returns the manifest. A share of the slides is labelled coarsely."""
    from wsigraph.io.features import write_features
    from wsigraph.synthetic.hierarchy import tree_cohort
    from wsigraph.synthetic.tree_signal import SetSignal

    def write(folder: Path, tree, *, slides, coarse_only, seed=0) -> Path:
        signal = SetSignal(strength=8.0, siblings=1.0, variation=0.1, grid=8)
        made = tree_cohort(slides, seed=seed, signal=signal, tree=tree, coarse_only=coarse_only)
        rows = [["slide_id", "patient_id", *tree.levels, "label"]]
        for features, patient, labels in zip(made.features, made.patients, made.labels, strict=True):
            write_features(folder / "features" / f"{features.slide_id}.h5", features)
            known = [names[k] if k >= 0 else "" for names, k in zip(tree.classes, labels, strict=True)]
            rows.append([features.slide_id, patient, *known, [name for name in known if name][-1]])
        (folder / "labels.csv").write_text("\n".join(map(",".join, rows)) + "\n", encoding="utf-8")
        return folder / "labels.csv"

    return write
