"""Names of cells, shards, the clock, and what is refused before anything trains."""

from __future__ import annotations

import csv
import math
from dataclasses import replace

import numpy as np
import pytest

import wsigraph as wg
from wsigraph.data.estimate import Estimate
from wsigraph.errors import CohortError, RecipeError, RunError
from wsigraph.io.atomic import json_text
from wsigraph.io.splits import NamedSplit, SplitSet
from wsigraph.pipelines.benchmark import BenchmarkPlan, Contest, Shard, cell_fit, run_benchmark
from wsigraph.pipelines.benchmark.arms import kind_of
from wsigraph.pipelines.benchmark.clock import Clock, spoken
from wsigraph.pipelines.benchmark.grid import cells_of
from wsigraph.pipelines.benchmark.ready import make_ready
from wsigraph.pipelines.benchmark.results import Results, row_of
from wsigraph.pipelines.reporter import Silent
from wsigraph.training.recipe import recipe


@pytest.fixture(autouse=True)
def nothing_trains(monkeypatch):
    def trains(*given, **named):
        raise AssertionError("something trained")

    monkeypatch.setattr(cell_fit, "fit_one", trains)


def names(plan):
    ready = [make_ready(contest, plan, Silent()) for contest in plan.contests]
    return [cell.name for cell in cells_of(plan, ready)]


def test_a_name_changes_with_all_a_result_depends_on(plan, contest, small, cohort):
    base = names(plan())
    assert len(set(base)) == 6
    assert names(plan()) == base
    slides = cohort.slides
    turned = {"scattered": "clustered", "clustered": "scattered"}
    other_labels = replace(cohort, slides=tuple(replace(s, label=turned[s.label]) for s in slides))
    other_patients = replace(cohort, slides=tuple(replace(s, patient_id=s.slide_id) for s in slides))
    slower = {name: small(name, optimiser__epochs=1, optimiser__lr=1e-4) for name in ("abmil", "gcn")}
    for changed in (
        plan(code="2"),
        plan(seeds=(1,)),
        plan(shares=(0.5,)),
        plan(contests=(contest(other_labels),)),
        plan(contests=(contest(other_patients),)),
        plan(contests=(contest(recipes=slower),)),
        plan(contests=(contest(folds=3),)),
        plan(contests=(replace(contest(), name="other"),)),
    ):
        assert not set(names(changed)) & set(base)


@pytest.mark.parametrize("what", ["x", "joins", "mpp", "step_level0", "patch_size_level0"])
def test_other_features_or_another_lattice_are_other_cells(plan, contest, cohort, tmp_path, what):
    base = names(plan())
    first = wg.read_features(cohort.slides[0].path)
    one_join = np.array([[*first.coords[0], *first.coords[1]]])
    other = {"x": first.x + np.float32(1), "joins": one_join}.get(what, 17.0)
    wg.write_features(tmp_path / "other.h5", replace(first, **{what: other}))
    slides = (replace(cohort.slides[0], path=tmp_path / "other.h5"), *cohort.slides[1:])
    assert not set(names(plan(contests=(contest(replace(cohort, slides=slides)),)))) & set(base)


def test_a_fold_is_whole_before_the_next_begins(plan):
    assert [name.split("-fold")[1][0] for name in names(plan())] == ["0"] * 3 + ["1"] * 3


def test_shards_deal_every_cell_once(plan):
    cells = list(range(11))
    for count in (1, 2, 3, 11, 15):
        dealt = [Shard(i, count).deal(cells) for i in range(1, count + 1)]
        assert sorted(c for mine in dealt for c in mine) == cells
        assert max(map(len, dealt)) - min(map(len, dealt)) <= 1
    assert Shard.parse("2/8") == Shard(2, 8)
    for wrong in ("0/2", "3", "a/b", "1/0", "-1/2"):
        with pytest.raises(RunError, match="--shard: expected i/n"):
            Shard.parse(wrong)
    with pytest.raises(RunError, match="Shard: expected 1 to 2 of 2, got 3"):
        Shard.parse("3/2")


def test_a_seed_is_whole_before_the_next_begins(plan):
    seeds = [name.split("-seed")[1][0] for name in names(plan(seeds=(3, 1)))]
    assert seeds == ["3"] * 6 + ["1"] * 6


def test_the_clock():
    clock = Clock()
    assert math.isnan(clock.left([("c", "a", 1.0)]))
    assert clock.left([]) == 0.0
    clock.tell(("c", "a", 1.0), 2.0)
    clock.tell(("c", "a", 1.0), 4.0)
    assert clock.left([("c", "a", 1.0), ("c", "b", 1.0)]) == 6.0  # b as long as all that was timed
    clock.tell(("c", "b", 1.0), 9.0)
    assert clock.left([("c", "a", 1.0), ("c", "b", 1.0), ("c", "d", 1.0)]) == 3.0 + 9.0 + 6.0
    clock.expect(("c", "d", 1.0), 20.0)
    clock.expect(("c", "a", 1.0), 50.0)  # finished cells count more
    assert clock.left([("c", "a", 1.0), ("c", "d", 1.0)]) == 3.0 + 20.0
    assert [clock.knows(("c", name, 1.0)) for name in "abde"] == [True, True, True, False]
    assert [spoken(s) for s in (12.4, 600, 7200)] == ["12 s", "10 min", "2.0 h"]


def test_official_splits_are_the_folds_of_every_seed(plan, contest, cohort):
    ids = [slide.slide_id for slide in cohort.slides]
    half = ([i for i in ids if int(i[-3:]) % 12 < 6], [i for i in ids if int(i[-3:]) % 12 >= 6])
    sides = [NamedSplit(0, fold, tuple(half[1 - fold]), (), tuple(half[fold])) for fold in (0, 1)]
    asked = plan(contests=(contest(splits=SplitSet(tuple(sides), "official")),), seeds=(0, 1))
    ready = make_ready(asked.contests[0], asked, Silent())
    for seed in (0, 1):
        assert [{ids[i] for i in split.test} for split in ready.splits[seed]] == [set(h) for h in half]
    assert ready.splits[0][0].val != ready.splits[1][0].val  # drawn where none are given


def test_one_class_is_refused(plan, contest, cohort, tmp_path):
    slides = tuple(replace(slide, label="clustered") for slide in cohort.slides)
    one = contest(replace(cohort, slides=slides))
    match = "Benchmark of 'toy': expected at least 2 classes to tell apart, got 14 slides all labelled 'clus"
    with pytest.raises(CohortError, match=match):
        run_benchmark(plan(contests=(one,)), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_fewer_patients_than_folds_are_refused(plan, contest, tmp_path):
    with pytest.raises(
        CohortError, match=r"'toy': expected at least 13 patients for 13 folds, got 12\. Use fewer"
    ):
        run_benchmark(plan(contests=(contest(folds=13),)), out=tmp_path / "out")
    with pytest.raises(CohortError, match="'toy': Cross-validation: expected at least 9 patients in every"):
        run_benchmark(plan(contests=(contest(folds=9),)), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_graph_method_without_coordinates_is_refused(plan, contest, small, tmp_path):
    """Synthetic tables without coordinates; set methods alone may compete on them."""
    (tmp_path / "features").mkdir()
    rng, rows = np.random.default_rng(0), [["slide_id", "patient_id", "label"]]
    for i in range(8):
        np.savez(tmp_path / "features" / f"s{i}.npz", features=rng.normal(size=(6, 8)).astype(np.float32))
        rows.append([f"s{i}", f"p{i}", ("clustered", "scattered")[i % 2]])
    with open(tmp_path / "labels.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    bare = wg.Cohort.from_manifest(tmp_path / "labels.csv", features=tmp_path / "features")
    match = "method 'gcn': expected slides with coordinates, got 8 without, first 's0' .1 of 3 methods read"
    with pytest.raises(RunError, match=match):
        run_benchmark(plan(contests=(contest(bare),)), out=tmp_path / "out")
    sets = contest(bare, recipes={"abmil": small("abmil")})
    assert len(names(plan(contests=(sets,)))) == 2


def test_a_bad_slide_is_left_out_for_every_method(plan, contest, cohort, tmp_path, listener):
    (tmp_path / "broken.h5").write_bytes(b"cut")
    slides = (replace(cohort.slides[0], path=tmp_path / "broken.h5"), *cohort.slides[1:])
    asked = plan(contests=(contest(replace(cohort, slides=slides)),))
    ready = make_ready(asked.contests[0], asked, listener)
    assert len(ready.cohort) == 13
    assert any(f"slide '{slides[0].slide_id}' left out" in line for line in listener.lines)


def test_plans_that_cannot_be_are_refused(cohort, contest, small):
    with pytest.raises(RunError, match=r"each seed once, and one at least, got \[0, 0\]"):
        BenchmarkPlan((contest(),), seeds=(0, 0))
    with pytest.raises(RunError, match=r"each contest once.*\['toy', 'toy'\]"):
        BenchmarkPlan((contest(), contest()))
    with pytest.raises(RunError, match="controls other than 'none'"):
        BenchmarkPlan((contest(),), controls={"none": lambda recipe: recipe})
    with pytest.raises(RunError, match=r"shares above 0 and up to 1, got 0\.0"):
        BenchmarkPlan((contest(),), shares=(0.0,))
    with pytest.raises(CohortError, match="Benchmark name"):
        Contest("../toy", cohort, recipes={"abmil": small("abmil")})
    with pytest.raises(RunError, match=r"names without '\+', which joins a control, got 'a\+b'"):
        Contest("toy", cohort, recipes={"a+b": small("abmil")})
    given = [NamedSplit(0, fold, ("a",), (), ("b",)) for fold in (0, 1)]
    with pytest.raises(RunError, match="splits of one repeat that test each slide once, got 2 repeats"):
        Contest("toy", cohort, recipes={"abmil": small("abmil")}, splits=SplitSet(tuple(given), "here"))
    with pytest.raises(RunError, match="at least one recipe, got none"):
        Contest("toy", cohort, recipes={})


def test_recipes_for_other_classes_are_refused(plan, contest, tmp_path):
    other = wg.recipe("abmil", in_channels=8, classes=["a", "b"])
    with pytest.raises(RecipeError, match=r"the cohort's classes \['clustered', 'scattered'\]"):
        run_benchmark(plan(contests=(contest(recipes={"abmil": other}),)), out=tmp_path / "out")


def test_recipes_of_two_widths_or_without_an_answer_are_refused(plan, contest, small, tmp_path):
    wide = wg.recipe("gcn", in_channels=9, classes=["clustered", "scattered"])
    both = {"abmil": small("abmil"), "gcn": wide}
    with pytest.raises(RunError, match=r"recipes for one width of features, got \[8, 9\]"):
        run_benchmark(plan(contests=(contest(recipes=both),)), out=tmp_path / "out")
    silent = {"silent": wg.recipe("srmil_pretrain", in_channels=8)}
    with pytest.raises(RecipeError, match="recipe 'silent': expected a recipe with heads"):
        run_benchmark(plan(contests=(contest(recipes=silent),)), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def cell(method, seed, fold, *, share=1.0, folds=2):
    rows = [{"slide_id": f"s{fold}", "patient_id": "p", "probabilities": [0.4, 0.6], "label": 1}]
    rows[0] |= {"repeat": seed, "fold": fold, "split": "test"}
    recipe, _, control = method.partition("+")
    told = {"cohort": "c", "recipe": recipe, "control": control or "none", "seed": seed, "fold": fold}
    return {**told, "folds": folds, "share": share, "rows": rows}


def test_only_whole_seeds_that_all_methods_have_are_compared():
    cells = [cell("a", seed, fold) for seed in (0, 1, 2) for fold in (0, 1)]
    cells += [cell("b+x", seed, fold) for seed in (1, 2) for fold in (0, 1)][:-1]
    cells += [cell("d", 0, 0), *(cell("a", 1, fold, share=0.1) for fold in (0, 1))]
    read = Results(tuple(cells))
    assert read.finished("c") == {"a": (0, 1, 2), "b+x": (1,), "d": ()}
    answers = read.answers("c")
    assert {name: [(r.repeat, r.fold) for r in rows] for name, rows in answers.items()} == {
        "a": [(1, 0), (1, 1)],
        "b+x": [(1, 0), (1, 1)],
    }
    curve = read.curve("c", "a")
    assert {share: [r.repeat for r in rows] for share, rows in curve.items()} == {0.1: [1, 1], 1.0: [1, 1]}
    assert read.curve("c", "d") == {}
    assert read.answers("nowhere") == {}


def test_estimates_survive_the_file():
    import json
    from dataclasses import asdict

    row = Estimate("s", "p", (0.25, 1.5), (math.nan, 2.0), repeat=3, fold=1)
    back = row_of(json.loads(json_text(asdict(row))))
    assert math.isnan(back.target[0])
    assert replace(back, target=()) == replace(row, target=())
    assert back.target[1] == 2.0


def test_patches_in_raster_order_are_not_a_set():
    kinds = {
        name: kind_of(recipe(name, in_channels=8, classes=("a", "b")))
        for name in ("mean_pool", "abmil", "dsmil", "transmil", "mambamil", "gcn", "smooth_abmil", "srmil")
    }
    assert kinds == {
        **dict.fromkeys(("mean_pool", "abmil", "dsmil"), "set"),
        **dict.fromkeys(("transmil", "mambamil"), "sequence"),
        **dict.fromkeys(("gcn", "smooth_abmil", "srmil"), "graph"),
    }
