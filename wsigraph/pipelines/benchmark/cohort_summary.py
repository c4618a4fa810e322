"""One contest in numbers: the best set and graph method, their difference, its controls, the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from wsigraph.evaluation.holm import holm
from wsigraph.evaluation.label_curve import CurvePoint
from wsigraph.pipelines.benchmark.entrants import PARTNER
from wsigraph.pipelines.benchmark.few_labels import curves_of, gains_of
from wsigraph.pipelines.benchmark.measured import (
    Difference,
    Measured,
    Yardstick,
    difference,
    measure,
    tested,
    yardstick,
)
from wsigraph.pipelines.benchmark.method_summary import MethodSummary, method_summary
from wsigraph.pipelines.benchmark.results import Results, method_of
from wsigraph.pipelines.benchmark.verdict import FEWEST, Verdict, choose, judge

FEW = 20
"""Resampling fewer patients than this gives intervals that hold the truth less often than they say."""


@dataclass(frozen=True)
class CohortSummary:
    """All that a contest came to.

    Args:
        name: Name of the cohort.
        synthetic: Whether features, places or labels are made up.
        metric: What methods are judged by.
        classes: Number of classes; 0 of estimates.
        slides: How many were answered; where patches are asked, how many of them.
        patients: Of how many patients.
        slides_sha256: Hash of slides, patients, targets and features: contests that share it share them all.
        seeds: Those that every method finished, the only ones that count.
        methods: Every method and control, the best first.
        best_set: The set method of lowest validation loss; None where there is none.
        best_graph: The graph method of lowest validation loss.
        gain: Best graph less best set method, with its test.
        controls: The best graph method less itself under each control, by name.
        verdict: The answer; None of estimates, and where one of the two is missing.
        partner: The set method that every graph method is compared with.
        family: Every graph method less the partner, corrected together by Holm.
        controlled: Every control of a graph method less the partner, without tests.
        curves: By method, the metric at each share of the training slides; empty with one share.
        fewer: At each share below 1 the graph methods that were run there less the partner, without tests.
        finished: By method, the seeds that it finished; without one it is in no comparison.
    """

    name: str
    synthetic: bool
    metric: str
    classes: int
    slides: int
    patients: int
    slides_sha256: str
    seeds: tuple[int, ...]
    methods: tuple[MethodSummary, ...]
    best_set: str | None
    best_graph: str | None
    gain: Difference | None
    controls: Mapping[str, Difference]
    verdict: Verdict | None
    partner: str | None
    family: tuple[Difference, ...]
    controlled: tuple[Difference, ...]
    curves: Mapping[str, tuple[CurvePoint, ...]]
    fewer: Mapping[float, tuple[Difference, ...]]
    finished: Mapping[str, tuple[int, ...]]

    @property
    def title(self) -> str:
        """The name, marked where the cohort is made up."""
        return f"{self.name} (synthetic)" if self.synthetic else self.name

    @property
    def sentence(self) -> str:
        """The verdict in words, or why there is none."""
        if self.verdict is not None:
            few = FEWEST <= self.patients < FEW  # of fewer the verdict itself says so
            return self.verdict.sentence + f" Intervals from {self.patients} patients are too narrow." * few
        if self.best_graph is None or self.best_set is None:
            lacking = "graph" if self.best_graph is None else "set"
            return f"Not asked: there is no {lacking} method with a known validation loss."
        return "Not asked: verdicts are given of classes only; the difference stands in the report."

    def method(self, name: str) -> MethodSummary:
        """The method of that name."""
        return next(one for one in self.methods if one.name == name)


def summarise_cohort(results: Results, name: str, *, margin: float, resamples: int) -> CohortSummary | None:
    """Compare the methods of one contest; None where no seed is finished by all.

    Args:
        results: Finished cells.
        name: The cohort.
        margin: Smallest gain worth having.
        resamples: Of each interval, and permutations.

    Raises: RunError: if methods answered other slides.
    """
    answers = results.answers(name)
    if not answers:
        return None
    cells = [cell for cell in results.cells if cell["cohort"] == name and cell["share"] == 1.0]
    stick = yardstick(answers, cells[0]["settings"].get("task", {}).get("name", "classification"))
    measured = {method: measure(rows, stick, resamples=resamples) for method, rows in answers.items()}
    seeds = tuple(sorted({row.repeat for row in next(iter(answers.values()))}))
    summaries = []
    for method, one in measured.items():
        own = [cell for cell in cells if method_of(cell) == method and cell["seed"] in seeds]
        summaries.append(method_summary(method, own, one, classes=stick.classes > 0))
    ordered = tuple(sorted(summaries, key=lambda one: (-one.value, one.name)))
    contest = _Contest(ordered, measured, stick, resamples)
    first = next(iter(measured.values())).sample
    family = contest.family()
    pairs = [(pair.a, pair.b) for pair in family["family"]]
    plain = [one.name for one in ordered if one.plain]
    return CohortSummary(
        name=name,
        synthetic=bool(cells[0]["synthetic"]),
        metric=stick.name,
        classes=stick.classes,
        slides=len(first.repeats[0].slides),
        patients=len(first.patients),
        slides_sha256=cells[0]["slides_sha256"],
        seeds=seeds,
        methods=ordered,
        **contest.headline(margin),
        **family,
        curves=curves_of(results, name, plain, stick=stick, resamples=resamples),
        fewer=gains_of(results, name, pairs, stick=stick, resamples=resamples),
        finished=results.finished(name),
    )


@dataclass(frozen=True)
class _Contest:
    """Methods of one contest, best first, and their answers."""

    methods: tuple[MethodSummary, ...]
    measured: Mapping[str, Measured]
    stick: Yardstick
    resamples: int

    def headline(self, margin: float) -> dict:
        """Best set, best graph, their difference, its controls and the verdict."""
        chosen = {
            kind: choose({one.name: one.val_loss for one in self.methods if one.kind == kind and one.plain})
            for kind in ("set", "graph")
        }
        found = {"best_set": chosen["set"], "best_graph": chosen["graph"]}
        graph, rival = chosen["graph"], chosen["set"]
        if graph is None or rival is None:
            return {**found, "gain": None, "controls": {}, "verdict": None}
        gain = self._tested(graph, rival)
        under = {one.control: one.name for one in self.methods if one.name.startswith(f"{graph}+")}
        controls = {control: self._tested(graph, under[control]) for control in sorted(under)}
        verdict = None
        if self.stick.classes:
            patients = len(self.measured[graph].sample.patients)
            verdict = judge(gain, controls, margin=margin, patients=patients)
        return {**found, "gain": gain, "controls": controls, "verdict": verdict}

    def family(self) -> dict:
        """Graph methods less the partner, corrected together, and their controls less the partner."""
        sets = sorted(one.name for one in self.methods if one.kind == "set" and one.plain)
        partner = PARTNER if PARTNER in sets else next(iter(sets), None)
        if partner is None:
            return {"partner": None, "family": (), "controlled": ()}
        graphs = [one for one in self.methods if one.kind == "graph"]
        pairs = [self._tested(one.name, partner) for one in graphs if one.plain]
        corrected = holm([pair.p_value for pair in pairs])
        return {
            "partner": partner,
            "family": tuple(replace(pair, holm_p=float(p)) for pair, p in zip(pairs, corrected, strict=True)),
            "controlled": tuple(
                difference(self.measured, one.name, partner) for one in graphs if not one.plain
            ),
        }

    def _tested(self, a: str, b: str) -> Difference:
        return tested(self.measured, a, b, stick=self.stick, resamples=self.resamples)
