"""The benchmark of packed features measures every layout, and its page has a row for each."""

from __future__ import annotations

from benchmarks import packed_epoch


def test_every_layout_and_builder_stands_in_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(packed_epoch, "ROUNDS", 1)
    plain = packed_epoch.epoch
    monkeypatch.setattr(packed_epoch, "epoch", lambda graphs, workers: plain(graphs))  # no process of its own
    rows = packed_epoch.measure(tmp_path, 2, (400, 64))
    size = {row["layout"]: row["bytes"] for row in rows}
    assert size["packed, without edges"] < 0.6 * size["a row per chunk, float32"]
    assert size["packed, without edges"] < size["packed"]
    edges = packed_epoch.measure_edges(tmp_path / "packed_without_edges" / "made_up_000.h5")
    text = packed_epoch.page(rows, edges, slides=2, shape=(400, 64))
    assert all(f"| {row['layout']} | {row['read from']} |" in text for row in rows)
    assert [one["builder"] for one in edges] == ["knn", "delaunay", "feature_knn"]
    assert len(rows) == 11
