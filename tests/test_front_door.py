"""The front door: every name is there, nothing heavy is imported before it is used."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import wsigraph

HEAVY = "torch lightning torch_geometric matplotlib pandas sklearn skimage scipy h5py openslide numba numpy"


def modules_after(statement):
    """Names in ``sys.modules`` of a fresh interpreter that ran ``statement``."""
    code = f"{statement}\nimport sys; print(' '.join(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ}
    )
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import wsigraph",
        "import wsigraph.errors",
        "import wsigraph.cli",
        "from wsigraph.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass",
        "from wsigraph.cli import main\ntry:\n    main(['train', '--help'])\nexcept SystemExit:\n    pass",
    ],
)
def test_nothing_heavy_is_imported(statement):
    assert modules_after(statement) & set(HEAVY.split()) == set()


@pytest.mark.parametrize("name", wsigraph.__all__)
def test_every_name_of_the_table_of_contents_can_be_used(name):
    assert getattr(wsigraph, name) is not None


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(wsigraph.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name for line in block.body for alias in line.names}
    assert seen == set(wsigraph.__all__)


def test_dir_lists_them_and_a_wrong_name_says_what_there_is():
    assert set(wsigraph.__all__) <= set(dir(wsigraph))
    with pytest.raises(AttributeError, match=r"no attribute 'KNNN'.*KNN"):
        wsigraph.KNNN  # noqa: B018


def test_version_is_the_installed_one():
    assert wsigraph.__version__ == version("wsigraph")
