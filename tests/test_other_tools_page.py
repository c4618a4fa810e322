"""What the page on other tools shows runs, on files that the command wrote."""

from __future__ import annotations

import re
from pathlib import Path

from wsigraph.cli.app import run
from wsigraph.io.features import write_features
from wsigraph.pipelines.convert import KINDS
from wsigraph.synthetic.features import arrangement_cohort

PAGE = (Path(__file__).parents[1] / "docs" / "other_tools.md").read_text(encoding="utf-8")


def test_every_snippet_reads_what_convert_wrote(tmp_path, monkeypatch):
    (slide,) = arrangement_cohort(1, seed=0, grid=8, in_channels=4).features
    write_features(tmp_path / "synthetic_000.h5", slide)
    monkeypatch.chdir(tmp_path)
    for kind in KINDS:
        assert run(["convert", "synthetic_000.h5", "--to", kind, "--out", "."]) == 0
    snippets = re.findall(r"```python\n(.*?)```", PAGE, flags=re.S)
    assert len(snippets) == 3
    seen = [{} for _ in snippets]
    for snippet, names in zip(snippets, seen, strict=True):
        exec(snippet, names)
    assert seen[0]["table"].shape == (len(slide), 4)
    assert seen[1]["graph"].num_nodes == len(seen[2]["graph"]) == len(slide)
    # directed edges of PyG are twice the undirected ones of networkx, and as many as AnnData's entries
    assert seen[1]["graph"].num_edges == 2 * seen[2]["graph"].number_of_edges()
    assert seen[0]["table"].obsp["spatial_distances"].nnz == seen[1]["graph"].num_edges


def test_the_page_names_every_kind_and_its_ending():
    rows = dict(re.findall(r"^\| `(\w+)` \| `(\.\w+)` \|", PAGE, re.M))
    assert rows == {kind: ending for kind, (ending, _) in KINDS.items()}
