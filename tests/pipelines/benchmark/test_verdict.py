"""The five answers, from intervals laid down by hand."""

from __future__ import annotations

import math

import pytest

from wsigraph.pipelines.benchmark.measured import Difference
from wsigraph.pipelines.benchmark.verdict import choose, judge

NAN = float("nan")


def gain(low, high, *, b="abmil"):
    return Difference("gcn", b, (low + high) / 2, low, high)


LOST, KEPT = gain(0.01, 0.05, b="gcn+x"), gain(-0.01, 0.05, b="gcn+x")


@pytest.mark.parametrize(
    ("interval", "controls", "answer", "survives"),
    [
        ((0.01, 0.09), {"shuffled": LOST, "edgeless": LOST}, "yes", ()),
        ((0.01, 0.09), {"shuffled": LOST, "edgeless": KEPT}, "yes", ("edgeless",)),
        ((0.01, 0.09), {"edgeless": LOST, "shuffled": KEPT}, "gain, but not from space", ("shuffled",)),
        ((0.01, 0.09), {"shuffled": gain(-0.09, -0.01)}, "gain, but not from space", ("shuffled",)),
        ((0.01, 0.09), {"shuffled": gain(NAN, NAN)}, "cannot tell", ("shuffled",)),
        ((0.01, 0.09), {"edgeless": LOST}, "cannot tell", ()),
        ((0.0, 0.09), {"shuffled": LOST}, "cannot tell", ()),
        ((-0.03, 0.019), {"shuffled": LOST}, "no", ()),
        ((-0.03, 0.02), {"shuffled": LOST}, "cannot tell", ()),
        ((-0.03, 0.0), {}, "no", ()),
        ((-0.03, -0.001), {}, "worse", ()),
        ((NAN, NAN), {"shuffled": LOST}, "cannot tell", ()),
    ],
)
def test_the_answers(interval, controls, answer, survives):
    found = judge(gain(*interval), controls, margin=0.02, patients=50)
    assert (found.answer, found.survives) == (answer, survives)
    assert found.sentence.lower().startswith(answer)


def test_a_wider_margin_excludes_more():
    assert judge(gain(-0.03, 0.04), {}, margin=0.05, patients=50).answer == "no"


def test_what_would_be_needed():
    """An interval of half width 1.96 s shows 2.80 s; a fourth of that takes sixteen times the patients."""
    s = 0.02
    found = judge(gain(-1.96 * s, 1.96 * s), {}, margin=2.8015 * s / 4, patients=50)
    assert found.detectable == pytest.approx(2.8015 * s, rel=1e-3)
    assert found.patients_needed == pytest.approx(800, abs=2)
    assert "(50) would probably show 0.056; 0.014 takes about 8" in found.sentence


def test_nothing_is_reckoned_from_an_unknown_interval():
    found = judge(gain(NAN, NAN), {}, patients=1)
    assert math.isnan(found.detectable)
    assert "takes about" not in found.sentence


def test_the_choice_is_the_lowest_known_loss():
    assert choose({"a": 0.7, "b": 0.4, "c": NAN}) == "b"
    assert choose({"b": 0.4, "a": 0.4}) == "a"
    assert choose({"a": NAN}) is None
    assert choose({}) is None


def test_a_handful_of_patients_carries_no_answer():
    for interval in ((0.0, 0.0), (0.2, 0.4), (-0.4, -0.2)):
        assert judge(gain(*interval), {"shuffled": LOST}, patients=9).answer == "cannot tell"
        assert judge(gain(*interval), {"shuffled": LOST}, patients=10).answer != "cannot tell"
