"""``wsigraph splits`` writes what ``wsigraph train --splits`` reads, and refuses what leaks."""

from __future__ import annotations

import csv
import json

import pytest

from wsigraph.io.splits import read_splits


@pytest.fixture
def manifest(tmp_path):
    """Forty-eight slides of twenty-four patients of four sites, with an official split."""
    rows = ["slide_id,patient_id,label,site,split"]
    for i in range(48):
        p = i // 2
        rows.append(
            f"S{i},p{p},{'ab'[p % 2]},site{p // 2 % 4},{'test' if p % 4 == 3 or p % 4 == 0 else 'train'}"
        )
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "labels.csv"


def rows_of(manifest):
    with open(manifest, encoding="utf-8", newline="") as file:
        return {row["slide_id"]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ([], (5, 1)),
        (["--folds", "3", "--repeats", "2"], (3, 2)),
        (["--kind", "leave-site-out"], (4, 1)),
        (["--kind", "leave-site-out", "--folds", "2"], (2, 1)),
        (["--kind", "official"], (1, 1)),
        (["--kind", "nested", "--folds", "3", "--inner-folds", "2"], (3, 1)),
    ],
)
def test_every_kind(wsigraph, manifest, tmp_path, options, shape):
    out = tmp_path / "out"
    left = wsigraph("splits", manifest, "--out", out, *options, "--json")
    assert left.code == 0, left.err
    told, rows, found = json.loads(left.out), rows_of(manifest), read_splits(out)
    assert (found.folds, found.repeats) == shape
    assert told["checked"] == ["patients"]
    assert [row["test"] for row in told["splits"]] == [len(split.test) for split in found.splits]
    for split in found.splits:
        owners = [{rows[name]["patient_id"] for name in names} for names in split.sides.values()]
        assert sum(map(len, owners)) == len(set.union(*owners))
        if "leave-site-out" in options:
            sites = [{rows[name]["site"] for name in names} for names in split.sides.values()]
            assert not sites[2] & (sites[0] | sites[1])
        if "official" in options:
            assert {rows[name]["split"] for name in split.test} == {"test"}
    tested = sorted(name for split in found.splits for name in split.test)
    assert tested == sorted(list(rows) * shape[1]) or "official" in options
    if "nested" in options:
        for fold, outer in enumerate(found.splits):
            inner = read_splits(out / f"inner_{fold}")
            within = {name for split in inner.splits for side in split.sides.values() for name in side}
            assert within == {*outer.train, *outer.val}
            assert inner.sha256 == found.sha256


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--kind", "random"], "a kind of ['kfold', 'leave-site-out', 'nested', 'official'], got 'random'"),
        (["--kind", "official", "--folds", "2"], "no number of folds, got 2"),
        (["--kind", "official", "--repeats", "2"], "one repeat, got 2"),
        (["--inner-folds", "2"], "no inner folds, which nested ones have, got 2"),
        (["--from", "given.csv", "--folds", "2"], "no number of folds or repeats, got folds 2"),
        (["--from", "given.csv", "--repeats", "3"], "no number of folds or repeats, got repeats 3"),
        (["--kind", "leave-site-out", "--folds", "9"], "at least 9 sites, got 0 slides without and 4 sites"),
        (["--target-col", "grade"], "a column 'grade'"),
    ],
)
def test_what_cannot_be_is_wrong_use(wsigraph, manifest, tmp_path, options, said):
    left = wsigraph("splits", manifest, "--out", tmp_path / "out", *options)
    assert left.code == 2
    assert said in " ".join(left.err.split())
    assert not (tmp_path / "out").exists()


def test_splits_of_features_are_trained_and_a_copy_of_a_slide_is_refused(wsigraph, feature_folder, tmp_path):
    place = ["--features", feature_folder / "features"]
    given = [feature_folder / "labels.csv", *place]
    left = wsigraph("splits", *given, "--folds", "2", "--out", tmp_path / "splits")
    assert left.code == 0, left.err
    assert "no leak of patients, feature hashes, near-duplicates" in left.out
    run = ["--recipe", "abmil", "--set", "optimiser.epochs=1", "--set", "encoder.hidden_channels=4"]
    asked = [*given, *run, "--device", "cpu", "--fold", "1", "--out", tmp_path / "run"]
    left = wsigraph("train", *asked, "--splits", tmp_path / "splits")
    assert left.code == 0, left.err
    with open(tmp_path / "run" / "fold_1" / "predictions.csv", encoding="utf-8", newline="") as file:
        tested = {row["slide_id"] for row in csv.DictReader(file) if row["split"] == "test"}
    assert tested == set(read_splits(tmp_path / "splits").splits[1].test)
    assert wsigraph("train", *asked, "--splits", tmp_path / "splits", "--folds", "2").code == 2
    with open(feature_folder / "labels.csv", "a", encoding="utf-8") as file:
        file.write("copy,somebody else,clustered\n")
    (feature_folder / "features" / "copy.h5").write_bytes(
        (feature_folder / "features" / "synthetic_000.h5").read_bytes()
    )
    left = wsigraph("train", *asked, "--splits", tmp_path / "splits")
    assert left.code == 2
    assert "or draw new ones with `wsigraph splits`" in left.err
    left = wsigraph("splits", *given, "--folds", "2", "--out", tmp_path / "new", "--seed", "1")
    assert left.code == 2
    assert "features with hash" in left.err


def test_a_patient_on_two_sides_needs_a_flag_and_is_then_told(wsigraph, manifest, tmp_path):
    rows = list(rows_of(manifest))
    folder = tmp_path / "clam"
    folder.mkdir()
    lines = [f"{a},{b}" for a, b in zip(rows[:33], [*rows[33:], *[""] * 18], strict=True)]
    (folder / "splits_0.csv").write_text("\n".join(["train,test", *lines]) + "\n")
    asked = ["splits", manifest, "--from", folder, "--out", tmp_path / "out"]
    left = wsigraph(*asked)
    assert left.code == 2
    assert "1 patient has slides on more than one side: 'p16' (train 1, test 1)" in " ".join(left.err.split())
    assert not (tmp_path / "out").exists()
    left = wsigraph(*asked, "--keep-overlap")
    assert left.code == 0, left.err
    assert "1 patients on several sides, kept as asked" in left.out
    found = read_splits(tmp_path / "out")
    assert (found.kind, found.overlap) == ("given", ("p16",))
    assert set(found.splits[0].test) == set(rows[33:])
    assert {*found.splits[0].train, *found.splits[0].val} == set(rows[:33])
    changed = manifest.read_text().replace("S0,p0,a,site0,test", "S0,p0,a,site0,train")
    manifest.write_text(changed)
    kind = ["splits", manifest, "--kind", "official", "--out", tmp_path / "official", "--json"]
    assert "'p0' (train 1, test 1)" in " ".join(wsigraph(*kind).err.split())
    assert json.loads(wsigraph(*kind, "--keep-overlap").out)["overlap"] == ["p0"]


def test_times_of_survival_are_split_by_their_strata(wsigraph, tmp_path):
    rows = ["slide_id,patient_id,time,event", *(f"S{i},p{i},{i + 1},{i % 2}" for i in range(24))]
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    out = tmp_path / "out"
    left = wsigraph("splits", tmp_path / "labels.csv", "--task", "cox", "--folds", "3", "--out", out)
    assert left.code == 0, left.err
    for split in read_splits(out).splits:
        assert sum(int(name[1:]) % 2 for name in split.test) == 4  # events are shared out
    left = wsigraph(
        "splits", tmp_path / "labels.csv", "--task", "cox", "--kind", "nested", "--out", tmp_path / "n"
    )
    assert left.code == 2
    assert "a task of one class per slide, got cox" in left.err
