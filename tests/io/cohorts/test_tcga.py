"""Cohorts of TCGA: what a barcode says, which slides are kept, and public lists against each other."""

from __future__ import annotations

import csv
from collections import Counter

import pytest

from wsigraph.errors import CohortError
from wsigraph.io.cohorts.base import PublicCohort
from wsigraph.io.cohorts.make import cohort, public_slides
from wsigraph.io.cohorts.tcga import Barcode, barcode

NSCLC = PublicCohort.registry.make("tcga_nsclc")


def by_patient(path):
    """Class by patient of a list without a header."""
    with open(path, newline="") as file:
        return dict(csv.reader(file))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("TCGA-05-4244-01Z-00-DX1", Barcode("TCGA-05-4244", "05", "01", "DX")),
        ("TCGA-S3-AA15-01Z-00-DX1.A2456A4A-E6E8", Barcode("TCGA-S3-AA15", "S3", "01", "DX")),
        ("TCGA-60-2725-11A-01-TS1", Barcode("TCGA-60-2725", "60", "11", "TS")),
        ("TCGA-69-A59K-01A-01-TSA", Barcode("TCGA-69-A59K", "69", "01", "TS")),
    ],
)
def test_a_barcode_says_patient_site_sample_and_kind(name, parts):
    assert barcode(name, where="here") == parts


@pytest.mark.parametrize("name", ["TCGA-05-4244", "C3L-00001-21", "TCGA-05-4244-01Z-00-DX1/..", ""])
def test_what_is_no_barcode_of_a_slide_is_refused(name):
    with pytest.raises(CohortError, match="here: expected a barcode"):
        barcode(name, where="here")


def test_patients_and_sites_come_from_the_barcode_and_sides_from_the_files(tmp_path, features_of):
    one, two = "TCGA-05-4244-01Z-00-DX1.AB12", "TCGA-18-3406-01Z-00-DX1.CD34"
    train, test = tmp_path / "list_train.csv", tmp_path / "list_test.csv"
    train.write_text(
        f"case_id,slide_id,project_id\nX,{one}.svs,TCGA-LUAD\nX,TCGA-05-4244-01A-01-TS1,TCGA-LUAD\n"
    )
    test.write_text(f"case_id,slide_id,project_id\nX,{two},TCGA-LUSC\n")
    folder = features_of(one, two)
    out = tmp_path / "labels.csv"
    found = cohort("tcga_nsclc", [train, test], features=folder, out=out)
    told = [(s.slide_id, s.patient_id, s.label, s.split, s.site) for s in found.slides]
    assert told == [
        (one, "TCGA-05-4244", "LUAD", "train", "05"),
        (two, "TCGA-18-3406", "LUSC", "test", "18"),
    ]
    assert found.classes == ("LUAD", "LUSC")
    assert "TCGA-NSCLC: 541 'LUAD' slides are published, the list has 1." in found.notes
    assert [s.slide_id for s in public_slides(NSCLC, [train, test], leave_out=["TCGA-05-4244"])] == [two]


def test_a_sample_sheet_of_the_gdc_is_read(tmp_path):
    sheet = tmp_path / "gdc_sample_sheet.tsv"
    sheet.write_text(
        "File ID\tFile Name\tProject ID\tCase ID\n"
        "u1\tTCGA-05-4244-01Z-00-DX1.AB12.svs\tTCGA-LUAD\tTCGA-05-4244\n"
        "u2\tTCGA-18-3406-01A-01-TS1.CD34.svs\tTCGA-LUSC\tTCGA-18-3406\n"
        "u3\tTCGA-18-3406-01Z-00-DX1.EF56.svs\tTCGA-LUSC\tTCGA-18-3406\n"
    )
    found = [(s.slide_id, s.patient_id, s.label) for s in public_slides(NSCLC, sheet)]
    assert found == [
        ("TCGA-05-4244-01Z-00-DX1.AB12", "TCGA-05-4244", "LUAD"),
        ("TCGA-18-3406-01Z-00-DX1.EF56", "TCGA-18-3406", "LUSC"),
    ]


@pytest.mark.real
def test_public_lists_of_nsclc_agree(real_data):
    lists = real_data / "manifests"
    slides = public_slides(NSCLC, lists)
    assert NSCLC.sizes(slides) == ()
    patients = {slide.patient_id: slide.label for slide in slides}
    assert Counter(patients.values()) == {"LUAD": 478, "LUSC": 478}
    assert patients == by_patient(lists / "rrt" / "label_nsclc.csv")
    fewer = public_slides(NSCLC, [lists / name for name in NSCLC.lists[1]])
    assert len(fewer) == 1043
    assert len({slide.patient_id for slide in fewer}) == 946
    assert NSCLC.sizes(fewer) == ("TCGA-NSCLC: 541 'LUAD' slides are published, the list has 531.",)
    assert {(s.slide_id, s.label) for s in fewer} < {(s.slide_id, s.label) for s in slides}
    assert Counter(slide.split for slide in fewer) == {"train": 848, "val": 97, "test": 98}
    assert len({(s.patient_id, s.split) for s in fewer}) == 946  # PANTHER splits by patient


@pytest.mark.real
def test_public_lists_of_brca_disagree_on_three_patients_which_is_told(real_data):
    lists = real_data / "manifests"
    brca = PublicCohort.registry.make("tcga_brca")
    slides = public_slides(brca, lists)
    assert len(slides) == 1041
    assert Counter(slide.label for slide in slides) == {"IDC": 831, "ILC": 210}
    here, there = {s.patient_id: s.label for s in slides}, by_patient(lists / "rrt" / "label_brca.csv")
    assert (len(here), len(there), len(set(here) & set(there))) == (977, 977, 961)
    disputed = {patient for patient in set(here) & set(there) if here[patient] != there[patient]}
    metastases = {s.names[1] for s in slides if barcode(s.slide_id, where="").sample == "06"}
    assert disputed | metastases == set(brca.odd)
    assert len(public_slides(brca, lists, leave_out=["odd"])) == 1041 - 4
