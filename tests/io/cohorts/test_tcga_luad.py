"""TCGA-LUAD: a class column per gene, joined by patient."""

from __future__ import annotations

import pytest

from wsigraph.errors import CohortError
from wsigraph.io.cohorts.make import cohort, public_slides

SLIDES = "TCGA-id, stage\n" + "".join(
    f"TCGA-05-{number}-{rest},{stage}\n"
    for number, rest, stage in (
        ("0001", "01Z-00-DX1", "I"),
        ("0001", "01Z-00-DX2", "I"),
        ("0001", "01A-01-TS1", "I"),
        ("0002", "01Z-00-DX1", "II"),
        ("0003", "01Z-00-DX1", "IV"),
    )
)
GENES = "patient_id,EGFR,TP53\nTCGA-05-0001,1,0\nTCGA-05-0002,wt,\nTCGA-05-0009,1,1\n"


@pytest.fixture
def tables(tmp_path):
    (tmp_path / "slides.csv").write_text(SLIDES)
    (tmp_path / "genes.csv").write_text(GENES)
    return [tmp_path / "slides.csv", tmp_path / "genes.csv"]


def test_every_slide_of_a_patient_has_its_mutations(tables, tmp_path, features_of):
    names = [slide.slide_id for slide in public_slides("tcga_luad", tables)]
    assert names == [
        f"TCGA-05-{rest}"
        for rest in ("0001-01Z-00-DX1", "0001-01Z-00-DX2", "0002-01Z-00-DX1", "0003-01Z-00-DX1")
    ]
    folder, out = features_of(*names), tmp_path / "labels.csv"
    egfr = cohort("tcga_luad", tables, features=folder, out=out, target_col="EGFR")
    assert egfr.classes == ("wild type", "mutant")
    assert [(s.patient_id[-4:], s.label) for s in egfr.slides] == [
        ("0001", "mutant"),
        ("0001", "mutant"),
        ("0002", "wild type"),
    ]
    assert egfr.left_out == {"TCGA-05-0003-01Z-00-DX1": "no label in column 'EGFR'"}
    tp53 = cohort("tcga_luad", tables[::-1], features=folder, out=out, target_col="TP53")
    assert tp53.labels == ["wild type", "wild type"]
    stage = cohort("tcga_luad", tables, features=folder, out=out, target_col="stage")
    assert stage.classes == ("I", "II", "IV")
    unlabelled = cohort("tcga_luad", tables[0], features=folder, out=out, target_col=None)
    assert len(unlabelled) == 4


@pytest.mark.parametrize(
    ("genes", "said"),
    [
        ("patient_id,EGFR\nTCGA-05-0001,2\n", r"patient 'TCGA-05-0001', EGFR: expected one of .*, got '2'"),
        ("patient_id,EGFR\nTCGA-05-0001,1\nTCGA-05-0001,1\n", "line 3, .*: expected every patient once"),
    ],
)
def test_a_table_of_mutations_that_cannot_be_is_refused(tables, genes, said):
    tables[1].write_text(genes)
    with pytest.raises(CohortError, match=said):
        public_slides("tcga_luad", tables)


@pytest.mark.real
def test_the_public_list_has_316_diagnostic_slides(real_data, tables):
    folder = real_data / "manifests"
    slides = public_slides("tcga_luad", [folder, tables[1]])
    assert len(slides) == 316
    assert len({slide.patient_id for slide in slides}) == 310
    assert {slide.more["stage"] for slide in slides} == {"I", "II", "III", "IV"}
    nsclc = {s.slide_id.split(".")[0]: s.label for s in public_slides("tcga_nsclc", folder)}
    assert {nsclc[slide.slide_id] for slide in slides} == {"LUAD"}
