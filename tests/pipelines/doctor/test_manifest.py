"""The doctor finds what was planted in a manifest, by name."""

from __future__ import annotations

from wsigraph.data.tasks.cox import Cox
from wsigraph.pipelines.doctor import examine_manifest


def named(checkup):
    return {(fault.kind, fault.name, fault.where) for fault in checkup.faults}


def test_a_sound_cohort_has_no_fault(planted):
    checkup = examine_manifest(planted.manifest, planted.folder)
    assert checkup.faults == ()
    assert checkup.facts["patients_per_class"] == {"clustered": 6, "scattered": 6}
    assert checkup.facts["slides"] == checkup.facts["readable"] == 12


def test_a_patient_on_two_sides_and_missing_labels_are_named(planted):
    rows = [row + ",train" for row in planted.rows()]
    rows[0] = "slide_id,patient_id,label,split"
    rows[1] = "synthetic_000,patient_0,clustered,train"
    rows[2] = "synthetic_001,patient_0,scattered,test"  # another label, another side
    rows[3] = "synthetic_002,patient_2,rare,train"
    rows[4] = "synthetic_003,patient_3,,train"
    rows[5] = "missing,patient_9,clustered,train"  # no such file, and synthetic_004 stands in no row
    planted.write_rows(rows)
    checkup = examine_manifest(planted.manifest, planted.folder)
    assert named(checkup) == {
        ("fault", "patient_on_two_sides", "patient 'patient_0'"),
        ("fault", "missing_label", "synthetic_003"),
        ("fault", "missing_features", "missing"),
        ("fault", "few_patients", "class 'rare'"),
        ("warning", "few_patients", "class 'scattered'"),
        ("warning", "several_labels", "patient 'patient_0'"),
        ("warning", "unlisted", "synthetic_004"),
    }
    assert checkup.facts["slides_per_split"] == {"train": 9, "test": 1}


def test_a_name_that_differs_by_case_is_told_with_its_cause(planted):
    planted.write_rows([row.replace("synthetic_004", "Synthetic_004") for row in planted.rows()])
    faults = {fault.where: fault for fault in examine_manifest(planted.manifest, planted.folder).faults}
    assert faults["Synthetic_004"].name == "missing_features"
    assert "case" in faults["Synthetic_004"].text
    assert faults["synthetic_004"].name == "unlisted"


def test_a_manifest_of_one_class_leaves_nothing_to_tell_apart(planted):
    planted.write_rows([row.replace("scattered", "clustered") for row in planted.rows()])
    assert named(examine_manifest(planted.manifest, planted.folder)) == {("fault", "one_class", "labels")}


def test_a_manifest_without_patients_is_told_once(planted):
    planted.write_rows([",".join(row.split(",")[::2]) for row in planted.rows()])
    assert named(examine_manifest(planted.manifest, planted.folder)) == {("warning", "manifest", "manifest")}


def test_a_slide_without_a_time_is_named_where_survival_is_asked(planted):
    rows = [f"{row},{number},{number % 2}" for number, row in enumerate(planted.rows())]
    rows[0] = "slide_id,patient_id,label,months,dead"
    rows[2] = "synthetic_001,patient_1,scattered,,1"
    planted.write_rows(rows)
    task = Cox(time_col="months", event_col="dead")
    checkup = examine_manifest(planted.manifest, planted.folder, task=task)
    assert ("fault", "missing_label", "synthetic_001") in named(checkup)
    assert checkup.facts["slides"] == 11
