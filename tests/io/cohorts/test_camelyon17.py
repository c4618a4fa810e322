"""CAMELYON17: stages of slides, patients and centres from names, what isolated tumour cells count as."""

from __future__ import annotations

import pytest

from wsigraph.errors import CohortError
from wsigraph.io.cohorts.camelyon17 import Camelyon17
from wsigraph.io.cohorts.make import cohort, public_slides

STAGES = (
    "patient,stage\npatient_000.zip,pN1\npatient_000_node_0.tif,negative\npatient_000_node_1.tif,itc\n"
    "patient_034_node_4.tif,micro\npatient_096_node_2.tif,macro\n"
)


@pytest.fixture
def table(tmp_path):
    (tmp_path / "stages.csv").write_text(STAGES)
    return tmp_path / "stages.csv"


@pytest.mark.parametrize("itc", ["tumour", "normal"])
def test_stages_become_classes_and_names_say_patient_and_centre(table, tmp_path, features_of, itc):
    names = [slide.slide_id for slide in public_slides("camelyon17", table)]
    folder, out = features_of(*names), tmp_path / "labels.csv"
    found = cohort(Camelyon17(itc=itc), table, features=folder, out=out)
    assert [(s.patient_id, s.label, s.split, s.site) for s in found.slides] == [
        ("patient_000", "normal", "train", "centre_0"),
        ("patient_000", itc, "train", "centre_0"),
        ("patient_034", "tumour", "train", "centre_1"),
        ("patient_096", "tumour", "train", "centre_4"),
    ]
    assert "CAMELYON17: 500 train slides are published, the list has 4." in found.notes
    stages = cohort("camelyon17", table, features=folder, out=out, target_col="stage")
    assert stages.labels == ["negative", "itc", "micro", "macro"]


def test_what_cannot_be_is_refused(tmp_path):
    table = tmp_path / "list.csv"
    table.write_text("slide_id,label\npatient_000_node_5,0\n")
    with pytest.raises(CohortError, match="line 2: expected patient_###_node_#, got 'patient_000_node_5'"):
        public_slides("camelyon17", table)
    with pytest.raises(CohortError, match=r"itc to be one of \['normal', 'tumour'\], got 'micro'"):
        Camelyon17(itc="micro")


@pytest.mark.real
def test_a_public_list_has_a_third_of_the_slides_and_says_so(real_data):
    slides = public_slides("camelyon17", real_data / "manifests")
    assert Camelyon17().sizes(slides) == ("CAMELYON17: 500 train slides are published, the list has 164.",)
    assert len({slide.patient_id for slide in slides}) == 83
    assert {slide.site for slide in slides} == {f"centre_{n}" for n in range(5)}
    assert sum(slide.label == "tumour" for slide in slides) == 50
