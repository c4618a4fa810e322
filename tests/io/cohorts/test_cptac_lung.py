"""CPTAC lung: a list without a header, patients from names."""

from __future__ import annotations

from collections import Counter

import pytest

from wsigraph.errors import CohortError
from wsigraph.io.cohorts.make import public_slides


@pytest.mark.parametrize("header", ["", "slide_id\tlabel\n"])
def test_patients_come_from_names(tmp_path, header):
    table = tmp_path / "cptac.txt"
    table.write_text(header + "C3L-00001-21\tlscc\nC3L-00001-26\tnormal\nabc_D1\tLUAD\n")
    found = [(s.slide_id, s.patient_id, s.label) for s in public_slides("cptac_lung", table)]
    assert found == [
        ("C3L-00001-21", "C3L-00001", "LUSC"),
        ("C3L-00001-26", "C3L-00001", "normal"),
        ("abc_D1", "abc_D1", "LUAD"),
    ]


def test_what_is_no_list_is_refused(tmp_path):
    table = tmp_path / "cptac.txt"
    table.write_text("C3L-00001-21\tlscc\nC3L-00001-26\n")
    with pytest.raises(CohortError, match="line 2: expected a slide and its class, got 1 cells"):
        public_slides("cptac_lung", table)
    table.write_text("C3L-00001-21\tbreast\n")
    with pytest.raises(CohortError, match=r"line 1, slide 'C3L-00001-21': expected one of .* got 'breast'"):
        public_slides("cptac_lung", table)


@pytest.mark.real
def test_no_patient_of_the_public_list_has_both_tumours(real_data):
    slides = public_slides("cptac_lung", real_data / "manifests")
    assert Counter(slide.label for slide in slides) == {"normal": 734, "LUAD": 669, "LUSC": 679}
    classes: dict[str, set[str]] = {}
    for slide in slides:
        classes.setdefault(slide.patient_id, set()).add(slide.label)
    assert len(classes) == 438
    assert not [patient for patient, held in classes.items() if held >= {"LUAD", "LUSC"}]
    assert sum(len(held) > 1 for held in classes.values()) == 221 + 191
    assert sum(not patient.startswith("C3") for patient in classes) == 2
