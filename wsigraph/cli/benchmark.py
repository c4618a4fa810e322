"""``wsigraph benchmark``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from wsigraph.cli import options
from wsigraph.cli.exit import leave
from wsigraph.cli.join_table import show_join
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.screen import emit, emit_json, emit_table

if TYPE_CHECKING:
    from wsigraph.io.cohort import Cohort
    from wsigraph.pipelines.benchmark.plan import Contest
    from wsigraph.pipelines.benchmark.suite import Suite, Wish

T = TypeVar("T", int, float)


def benchmark(
    what: Annotated[
        str | None,
        typer.Argument(
            help="Your manifest or, with --features, a public cohort (see 'wsigraph cohort'); "
            "or suites: synthetic,gg_pt1. Without it the suites are listed."
        ),
    ] = None,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the results; finished work in it is kept.")
    ] = None,
    features: Annotated[
        Path | None, typer.Option("--features", help="Folder of features, for a manifest of your own.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", envvar="WSIGRAPH_DATA", help="Folder of real data, for suites that need it."),
    ] = None,
    only: Annotated[
        str | None, typer.Option("--only", help="Contests of the suites, by name; all if not given.")
    ] = None,
    recipes: Annotated[
        str | None, typer.Option("--recipes", help="Methods: abmil,gat,srmil; a usual list if not given.")
    ] = None,
    controls: Annotated[
        str | None,
        typer.Option(
            "--controls", help="shuffled,edgeless,feature_knn,random_degree, or none; all if not given."
        ),
    ] = None,
    seeds: Annotated[
        str, typer.Option("--seeds", help="Seeds, each a whole cross-validation.")
    ] = "0,1,2,3,4",
    shares: Annotated[
        str, typer.Option("--shares", help="Shares of the training slides, for low-label curves.")
    ] = "1",
    folds: Annotated[int, typer.Option("--folds", min=2, help="Folds by patient, of your own cohort.")] = 5,
    splits: Annotated[
        Path | None, typer.Option("--splits", help="Official splits of your own cohort.")
    ] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="Change every method: optimiser.epochs=20.")
    ] = None,
    shard: Annotated[str, typer.Option("--shard", help="Job i of n that share the folder: 2/8.")] = "1/1",
    most: Annotated[
        int | None, typer.Option("--most", min=0, help="Train so many cells; 0 says only what it would cost.")
    ] = None,
    id_col: options.IdCol = "slide_id",
    patient_col: options.PatientCol = "patient_id",
    target_col: options.TargetCol = "label",
    task: options.TaskName = "classification",
    time_col: options.TimeCol = None,
    event_col: options.EventCol = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    cache_gb: Annotated[float, typer.Option("--cache-gb", min=0, help="Memory for graphs.")] = 4.0,
    json: options.Json = False,
) -> None:
    """Does space help? Graph against set methods with controls, on your cohort or on a suite."""
    if what is None:
        _list(data)
        return
    if out is None:
        raise typer.BadParameter("Missing option '--out'.")
    from wsigraph.pipelines.benchmark import BenchmarkPlan, Shard, read_results, run_benchmark
    from wsigraph.pipelines.benchmark.controls import controls as by_name
    from wsigraph.pipelines.benchmark.page import PICTURES, write_report
    from wsigraph.pipelines.benchmark.page_looks import look_pictures
    from wsigraph.pipelines.benchmark.suite import Wish
    from wsigraph.pipelines.benchmark.summary import summarise
    from wsigraph.training.fit_loop import TrainerOptions

    asked, changes = options.names(recipes) or (), options.changes(change or [])
    again = _command(
        what,
        features=None if features is None else features.name,
        only=only,
        recipes=recipes,
        controls=controls,
        seeds=seeds,
        shares=shares,
        folds=None if features is None else folds,
        splits=None if splits is None else splits.name,
        change=change,
    )
    job, numbers = Shard.parse(shard), tuple(_numbers(seeds, int, "--seeds"))
    some = tuple(_numbers(shares, float, "--shares"))
    chosen = {} if controls == "none" else by_name(options.names(controls))
    with ScreenReporter() as reporter:
        wish = Wish(out / "data", data, asked, changes, options.names(only) or (), reporter)
        suites = [] if features is not None else _suites(what, wish)
        if features is None:
            contests = [contest for one in suites for contest in one.contests(wish)]
        else:
            read = options.columns(target_col, time_col=time_col, event_col=event_col)
            asked_of = {"id_col": id_col, "patient_col": patient_col, "task": task, "read": read}
            contests = [_own(what, features, wish, asked_of, folds=folds, splits=splits)]
        plan = BenchmarkPlan(tuple(contests), seeds=numbers, controls=chosen, shares=some)
        trainer = TrainerOptions(device, cache_gb=cache_gb)
        done = run_benchmark(plan, out=out, shard=job, most=most, trainer=trainer, reporter=reporter)
    if not done.done:
        emit(f"no cell is finished: {out}")
    else:
        summary = summarise(out, names=done.cells)
        results = read_results(out, names=done.cells)
        more = [part for one in suites for part in one.sections(wish, results)]
        pictures = look_pictures(out / PICTURES, results, summary)
        page = write_report(out, summary, command=again, heatmaps=pictures, more=more)
        if json:
            emit_json(summary.to_dict())
        else:
            emit(summary.text() or "no seed is finished by all methods yet")
            emit(f"{done.done} of {len(done.cells)} cells; report: {page}")
    leave(done.done, done.failed, said=reporter.said, of="cell")


def _command(what: str, *, change: list[str] | None, **given: object) -> str:
    """The command that gives the same cells, without folders of this machine."""
    told = [f"--{name} {value}" for name, value in given.items() if value is not None]
    return " ".join(
        ["wsigraph benchmark", Path(what).name, *told, *(f"--set {one}" for one in change or []), "--out DIR"]
    )


def _list(data: Path | None) -> None:
    """The suites, and why one cannot be run here."""
    from wsigraph.pipelines.benchmark.suite import Suite, suite

    rows = []
    for name in Suite.registry.names():
        one = suite(name)
        rows.append((name, one.title, one.absent(data) or "yes"))
    emit_table(("suite", "what it is", "can be run"), rows)
    emit("run one: wsigraph benchmark SUITE --out DIR")
    emit("your own cohort: wsigraph benchmark my.csv --features DIR --out DIR")
    emit("a public one: wsigraph benchmark camelyon16 --features DIR --out DIR")


def _suites(names: str, wish: Wish) -> list[Suite]:
    """The suites named; one whose data are not here is left out, unless none is left."""
    from wsigraph.pipelines.benchmark.suite import suite

    asked = [suite(name) for name in dict.fromkeys(options.names(names) or ())]
    here = [one for one in asked if not one.absent(wish.data)] or asked
    for one in asked:
        if one not in here:
            wish.reporter.say(f"suite '{one.name}' left out: {one.absent(wish.data)}")
    there = [name for one in here for name in one.names]
    absent = [name for name in wish.only if name not in there]
    if absent:
        raise typer.BadParameter(f"--only: expected contests of {there}, got '{absent[0]}'.")
    return here


def _own(
    what: str, features: Path, wish: Wish, asked: dict[str, Any], *, folds: int, splits: Path | None
) -> Contest:
    """A contest on a cohort of one's own, or on a public one with features of one's own."""
    from wsigraph.io.splits import read_splits
    from wsigraph.pipelines.benchmark.own import RECIPES, own_contest
    from wsigraph.pipelines.benchmark.public import is_public, public_contestants

    given = None if splits is None else read_splits(splits)
    if is_public(what) and not Path(what).is_file():
        cohort, official = public_contestants(
            what, data=wish.data, features=features, out=wish.work, reporter=wish.reporter
        )
        given = given or official
    else:
        cohort = _cohort(Path(what), features, **asked)
    show_join(cohort)
    for note in cohort.notes:
        wish.reporter.say(f"note: {note}")
    return own_contest(
        Path(what).stem,
        cohort,
        recipes=wish.recipes or RECIPES,
        changes=wish.changes,
        folds=folds,
        splits=given,
    )


def _cohort(
    manifest: Path, features: Path, *, id_col: str, patient_col: str, task: str, read: dict[str, str]
) -> Cohort:
    """The slides of a manifest, read for the task that is asked."""
    from wsigraph.io.cohort import Cohort
    from wsigraph.pipelines.question import question

    asked = question("abmil", task, tree=None, manifest=manifest, columns=read)
    columns = {"id_col": id_col, "patient_col": patient_col, "target_col": read["target_col"]}
    return Cohort.from_manifest(manifest, features=features, **columns, task=asked)


def _numbers(text: str, kind: Callable[[str], T], option: str) -> list[T]:
    """``"0,1,2"`` -> ``[0, 1, 2]``."""
    try:
        return [kind(word) for word in text.split(",")]
    except ValueError as error:
        raise typer.BadParameter(f"{option}: expected numbers like 0,1,2, got '{text}'.") from error
