"""Does space help? One answer per contest, from a pair that was chosen without looking at the test."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from wsigraph.evaluation.power import detectable_after
from wsigraph.pipelines.benchmark.measured import Difference

MARGIN = 0.02
"""A gain that is surely smaller than this is called none."""

FEWEST = 10
"""Patients, below which no interval by resampling them carries an answer."""

SHUFFLED = "shuffled"
"""The control that decides whether a gain comes from space."""

YES, NOT_SPACE, NO, WORSE, CANNOT_TELL = "yes", "gain, but not from space", "no", "worse", "cannot tell"


@dataclass(frozen=True)
class Verdict:
    """The answer.

    Args:
        answer: ``"yes"``, ``"gain, but not from space"``, ``"no"``, ``"worse"`` or ``"cannot tell"``.
        sentence: The answer with its numbers.
        survives: Of a gain, the controls under which it is not shown to shrink.
        detectable: Smallest difference that so many patients would probably show; NaN where not reckoned.
        patients_needed: How many would probably show a difference of the margin; NaN where not reckoned.
    """

    answer: str
    sentence: str
    survives: tuple[str, ...] = ()
    detectable: float = float("nan")
    patients_needed: float = float("nan")


def choose(losses: Mapping[str, float]) -> str | None:
    """The method of lowest validation loss; None where no loss is known.

    Losses are means over seeds and folds. They rank methods within one task and one set of folds, where all
    are cross-entropies (or one loss) on the same slides; across tasks they mean nothing.

    Args:
        losses: By method.
    """
    known = {name: loss for name, loss in losses.items() if math.isfinite(loss)}
    return min(known, key=lambda name: (known[name], name)) if known else None


def judge(
    gain: Difference,
    controls: Mapping[str, Difference],
    *,
    margin: float = MARGIN,
    patients: int,
) -> Verdict:
    """The answer to "does space help?".

    ``yes``: the interval of graph less set lies above 0, and that of the graph method less itself on
    shuffled coordinates too. ``gain, but not from space``: the first does, the second does not. ``worse``:
    the first lies below 0. ``no``: it reaches to less than the margin. ``cannot tell``: anything else, also
    a gain without the shuffled control, and anything found on fewer than ``FEWEST`` patients.

    Args:
        gain: Best graph method less best set method.
        controls: The graph method less itself under each control, by name.
        margin: Smallest gain worth having.
        patients: How many were compared.
    """
    found = f"{gain.a} less {gain.b}: {_told(gain)}"
    if patients < FEWEST:
        said = f"Cannot tell. {found}. From {patients} patients no interval is to be relied on."
        return Verdict(CANNOT_TELL, said)
    if gain.low > 0:
        return _of_gain(found, gain, controls)
    if gain.high < 0:
        return Verdict(WORSE, f"Worse. {found}. The set method is the better one.")
    if gain.high < margin:
        return Verdict(NO, f"No. {found}. A gain of {margin:.3f} or more is excluded.")
    return _undecided(found, gain, margin=margin, patients=patients)


def _of_gain(found: str, gain: Difference, controls: Mapping[str, Difference]) -> Verdict:
    survives = tuple(name for name, one in controls.items() if not one.low > 0)
    if SHUFFLED not in controls or math.isnan(controls[SHUFFLED].low):
        said = f"Cannot tell. {found}, a gain; without the control on shuffled coordinates nobody knows "
        return Verdict(CANNOT_TELL, said + "whether it comes from space.", survives)
    lost = controls[SHUFFLED]
    if lost.low > 0:
        said = f"Yes. {found}. On shuffled coordinates {gain.a} loses {_told(lost, sign='')}."
        return Verdict(YES, said, survives)
    said = f"Gain, but not from space, as far as is shown. {found}. {gain.a} less itself on shuffled "
    said += f"coordinates: {_told(lost)}. The gain is not shown to shrink under: {', '.join(survives)}."
    return Verdict(NOT_SPACE, said, survives)


def _undecided(found: str, gain: Difference, *, margin: float, patients: int) -> Verdict:
    """Patients needed grow with the square of the precision that is asked."""
    said = f"Cannot tell. {found}. Neither a gain nor the absence of one of {margin:.3f} is shown."
    shown = detectable_after(gain.low, gain.high)
    if not shown > 0 or not margin > 0:
        return Verdict(CANNOT_TELL, said)
    needed = math.ceil(patients * (shown / margin) ** 2)
    said += f" So many patients ({patients}) would probably show {shown:.3f}"
    said += f"; {margin:.3f} takes about {needed:,}." if needed > patients else "."
    return Verdict(CANNOT_TELL, said, detectable=shown, patients_needed=needed)


def _told(one: Difference, *, sign: str = "+") -> str:
    return f"{one.value:{sign}.3f} ({one.low:{sign}.3f} to {one.high:{sign}.3f})"
