"""The table of patients, against areas by hand."""

from __future__ import annotations

from wsigraph.data.prediction import Prediction
from wsigraph.pipelines.benchmark.page_patients import inside, patients_table


def answers(scores):
    """Four patches of each of two patients, two of them positive; scores by seed, then patient."""
    return [
        Prediction(f"{patient}{i}", patient, (1 - p, p), label=i % 2, repeat=seed)
        for seed, of_patients in enumerate(scores)
        for patient, mine in of_patients.items()
        for i, p in enumerate(mine)
    ]


GOOD = answers([{"A": (0.1, 0.8, 0.2, 0.9), "B": (0.3, 0.2, 0.1, 0.4)}] * 2)  # areas 1 and 3 of 4
MIXED = answers(
    [{"A": (0.1, 0.8, 0.2, 0.9), "B": (0.2, 0.1, 0.4, 0.3)}, {"A": (0.9, 0.1, 0.8, 0.2), "B": (0.5,) * 4}]
)


def test_areas_are_of_one_patient_and_one_seed_each():
    assert inside(GOOD) == {"A": 1.0, "B": 0.75}
    assert inside(MIXED) == {"A": 0.5, "B": (0.25 + 0.5) / 2}


def test_methods_beside_their_partner():
    table = patients_table("spots", {"gin": MIXED, "abmil": GOOD}, partner="abmil")
    assert table.columns == ["Method", "Mean of patients", "A", "B", "Above abmil"]
    assert table.rows == [
        ["abmil", "0.875", "1.000", "0.750", ""],
        ["gin", "0.438", "0.500", "0.375", "0 of 2"],
    ]
    assert patients_table("spots", {"gin": MIXED}).columns == ["Method", "Mean of patients", "A", "B"]
