"""The benchmark of the doctor reads what it made, and its page holds the ratios to plain reading."""

from __future__ import annotations

import re

import pytest

from benchmarks import doctor_files


@pytest.mark.parametrize("layout", ["wsigraph", "trident"])
def test_every_reader_reads_the_files_that_were_made(tmp_path, layout):
    doctor_files.make(tmp_path, 5, (30, 8), layout)
    size = sum(path.stat().st_size for path in tmp_path.glob("*.h5")) / 1e6
    for reader in doctor_files.READERS:
        taken = doctor_files.read(reader, tmp_path)
        assert taken["mb"] == pytest.approx(size)
        assert taken["s"] > 0
        assert taken["cpu"] > 0
        assert taken["peak"] > 10


def test_the_page_divides_by_plain_reading_of_the_same_files():
    rows = [
        {"files": files, "place": place, "reader": reader, "s": s, "mb": 10.0, "cpu": 1.5, "peak": 90.0}
        for files, place, reader, s in (
            *(("small", "cache", "plain", 0.5), ("small", "cache", "doctor", 4.0)),
            *(("small", "disk", "plain", 2.0), ("small", "disk", "doctor", 3.0)),
        )
    ]
    page = doctor_files.page(rows, rounds=3)
    ratios = re.findall(r"^\| small \| (\w+) \| doctor .* \| ([\d.]+) \|$", page, re.M)
    assert ratios == [("cache", "8.0"), ("disk", "1.5")]
    assert "Rounds: 3 (medians)" in page
