"""PANDA: the challenge's own table, and public lists with a split."""

from __future__ import annotations

from collections import Counter

import pytest

from wsigraph.errors import CohortError
from wsigraph.io.cohorts.make import cohort, public_slides
from wsigraph.io.cohorts.panda import Panda

ODD = "b0a92a74cb53899311acc30b7405e101"


def test_the_challenges_own_table_has_no_split_and_no_patients(tmp_path, features_of):
    table = tmp_path / "train.csv"
    table.write_text(
        f"image_id,data_provider,isup_grade,gleason_score\n00a1,radboud,5,4+5\n{ODD},karolinska,2,4+3\n"
    )
    found = cohort("panda", table, features=features_of("00a1", ODD), out=tmp_path / "labels.csv")
    assert [(s.slide_id, s.patient_id, s.label, s.split, s.site) for s in found.slides] == [
        ("00a1", "00a1", "5", "", "radboud"),
        (ODD, ODD, "2", "", "karolinska"),
    ]
    assert found.classes == ("0", "1", "2", "3", "4", "5")
    assert "PANDA: 10,616 slides are published, the list has 2." in found.notes
    assert any(f"slide '{ODD}': its ISUP grade 2 contradicts" in note for note in found.notes)
    assert "PANDA: the list names no patients, so each slide counts as its own patient." in found.notes
    table.write_text(f"image_id,isup_grade,patient_id\n00a1,5,x\n{ODD},2,x\n")
    assert not Panda().unknown_patients(public_slides("panda", table))
    table.write_text(f"image_id,isup_grade\n00a1,5\n{ODD},2\n")
    assert [s.slide_id for s in public_slides("panda", table, leave_out=["odd"])] == ["00a1"]


def test_a_grade_that_is_none_is_refused(tmp_path):
    table = tmp_path / "train.csv"
    table.write_text("image_id,isup_grade\na,6\n")
    with pytest.raises(CohortError, match=r"line 2, slide 'a': expected one of .*, got '6'"):
        public_slides("panda", table)


@pytest.mark.real
def test_the_public_lists_have_9555_slides_of_two_sites(real_data):
    slides = public_slides("panda", real_data / "manifests")
    assert Counter(slide.split for slide in slides) == {"train": 7647, "val": 954, "test": 954}
    assert Counter(slide.site for slide in slides) == {"karolinska": 4990, "radboud": 4565}
    assert Panda().sizes(slides) == ("PANDA: 10,616 slides are published, the list has 9,555.",)
    assert [(s.label, s.site) for s in slides if s.slide_id == ODD] == [("2", "karolinska")]
