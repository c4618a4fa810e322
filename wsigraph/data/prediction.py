"""One slide's answer, as it stands in ``predictions.csv``."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from wsigraph.errors import RunError, expected


@dataclass(frozen=True)
class Prediction:
    """A slide (or a patient) and the probabilities a model gives its classes.

    Args:
        slide_id: Name of the slide; for a patient-level row, the patient's id.
        patient_id: Name of the patient.
        probabilities: One per class, summing to 1.
        label: Index of the true class, -1 where unknown.
        repeat: Repeat of the cross-validation.
        fold: Fold whose model spoke; -1 where several were averaged.
        split: ``"test"`` (out of fold), ``"val"`` or ``"external"``.

    Raises: RunError: if the probabilities are not a distribution.
    """

    slide_id: str
    patient_id: str
    probabilities: tuple[float, ...]
    label: int = -1
    repeat: int = 0
    fold: int = 0
    split: str = "test"

    def __post_init__(self) -> None:
        total = math.fsum(self.probabilities)
        if not math.isfinite(total) or abs(total - 1.0) > 1e-3:
            raise RunError(
                expected(f"Prediction '{self.slide_id}'", "probabilities that sum to 1", f"{total}")
            )

    @property
    def pred(self) -> int:
        """Index of the most probable class."""
        return max(range(len(self.probabilities)), key=self.probabilities.__getitem__)

    @property
    def known(self) -> bool:
        """Whether the true class is known."""
        return self.label >= 0

    def known_as(self, patient_id: str, target: int) -> Prediction:
        """The same answer, of this patient and with this truth."""
        return replace(self, patient_id=patient_id, label=target)
