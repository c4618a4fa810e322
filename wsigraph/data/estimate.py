"""One slide's answer where it is not one class: several labels, values, or a risk."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from wsigraph.errors import RunError, expected


@dataclass(frozen=True)
class Estimate:
    """A slide (or a patient) and the numbers that a model gives it.

    What the numbers mean is the task's: ``Task.answer_columns`` names the values, ``Task.target_columns``
    the target.

    Args:
        slide_id: Name of the slide; for a patient-level row, the patient's id.
        patient_id: Name of the patient.
        values: The answer.
        target: What is true of the slide, entries unknown NaN; empty where nothing is known.
        repeat: Repeat of the cross-validation.
        fold: Fold whose model spoke; -1 where several were averaged.
        split: ``"test"`` (out of fold), ``"val"`` or ``"external"``.

    Raises: RunError: if a value is not finite.
    """

    slide_id: str
    patient_id: str
    values: tuple[float, ...]
    target: tuple[float, ...] = ()
    repeat: int = 0
    fold: int = 0
    split: str = "test"

    def __post_init__(self) -> None:
        if not self.values or not all(map(math.isfinite, self.values)):
            raise RunError(
                expected(f"Estimate '{self.slide_id}'", "at least one finite value", f"{list(self.values)}")
            )

    @property
    def known(self) -> bool:
        """Whether anything is known of the slide."""
        return any(not math.isnan(entry) for entry in self.target)

    def known_as(self, patient_id: str, target: tuple[float, ...]) -> Estimate:
        """The same answer, of this patient and with this truth."""
        return replace(self, patient_id=patient_id, target=target)
