"""The doctor describes the machine, and sees kernels that compute something else."""

from __future__ import annotations

import pytest

from wsigraph.io import memory
from wsigraph.nn.kernels import reference
from wsigraph.pipelines.doctor import installation, kernels
from wsigraph.pipelines.doctor.installation import examine_installation


def test_this_installation_is_sound_and_described(tmp_path):
    found = examine_installation(tmp_path)
    assert [fault for fault in found.faults if fault.kind == "fault"] == []
    assert found.facts["openslide_library"][0].isdigit()
    assert found.facts["kernels"].startswith("numba equals the reference")
    assert found.facts["cpu_cores"] >= 1
    assert found.facts["disk"]["free_gb"] > 0


def test_a_missing_extra_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(installation, "_version", lambda name: "" if name == "zarr" else "1.0")
    assert (
        installation._extra("scverse", ("anndata", "zarr"))
        == "not installed: pip install 'wsigraph[scverse]'"
    )
    assert installation._extra("encoders", ("timm",)) == "timm 1.0"


def test_kernels_that_differ_or_fail_are_faults(monkeypatch):
    true = reference.graph_attention

    def wrong(*arguments, **options):
        out, attention = true(*arguments, **options)
        return out * 1.01, attention

    monkeypatch.setattr(reference, "graph_attention", wrong)
    told, (fault,) = kernels.check_kernels()
    assert "differs from the reference" in told
    assert (fault.name, fault.where) == ("kernels", "numba kernels")

    def broken(*arguments, **options):
        raise ImportError("no such symbol")

    monkeypatch.setattr(reference, "graph_attention", broken)
    told, (fault,) = kernels.check_kernels()
    assert told == "numba fails: ImportError: no such symbol"


def test_a_missing_openslide_and_a_full_disk_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(installation, "openslide_version", lambda: "cannot be loaded (x)")
    monkeypatch.setattr(installation, "free_bytes", lambda path: 10**6)
    found = {(fault.kind, fault.name) for fault in examine_installation(tmp_path).faults}
    assert found == {("fault", "openslide"), ("warning", "disk")}


@pytest.mark.parametrize(
    ("text", "size"), [("MemAvailable:  2048 kB\n", 2**21), ("MemFree: 1 kB\n", None), ("", None)]
)
def test_free_memory_is_read_where_the_system_tells_it(monkeypatch, tmp_path, text, size):
    (tmp_path / "meminfo").write_text(text, encoding="ascii")
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    assert memory.free_memory() == size
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "none")
    assert memory.free_memory() is None
