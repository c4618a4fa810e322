"""What every public cohort owes: test a new one with ``check_public_cohort(Mine(), tables=[path])``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wsigraph.errors import CohortError
from wsigraph.io.cohorts.base import Listed, PublicCohort
from wsigraph.io.cohorts.make import public_slides
from wsigraph.io.ids import check_id
from wsigraph.testing.require import require

_SIDES = ("", "train", "val", "test")


def check_public_cohort(public: PublicCohort, *, tables: Sequence[str | Path]) -> None:
    """Check one public cohort on a list of its slides.

    It says where its slides are and under which licence, its counts and its tree are of its own classes, what
    it tells of single slides is a reason, every slide that it reads has a safe name, a patient, a class or
    none and a side or none, two readings agree, and a slide can be left out.

    Args:
        public: The cohort.
        tables: A list of slides in a layout that it reads, true or synthetic; at least two slides.

    Raises: AssertionError: naming the first property that fails.
    """
    who = f"Public cohort '{public.name}'"
    require(bool(public.title), who, "a title", "none")
    require(public.slides_from.startswith("https://"), who, "an address of its slides", public.slides_from)
    require(public.licence in public.how_to_get, who, "its licence told", public.how_to_get)
    classes = public.classes
    require(len(set(classes)) == len(classes) >= 2, who, "two classes or more that differ", f"{classes}")
    strange = sorted({(s, c) for s, c in public.published if s not in _SIDES or c not in ("", *classes)})
    require(not strange, who, "published counts of its own sides and classes", f"{strange}")
    tree = public.label_tree
    if tree is not None:
        require(tree.names() == classes, who, f"a tree of {classes}", f"{tree.names()}")
    for slide, reason in public.odd.items():
        require(bool(reason) and reason[-1] != ".", who, f"a reason for '{slide}' without a stop", reason)
    slides = public_slides(public, tables)
    require(len(slides) >= 2, who, "at least two slides", f"{len(slides)}")
    require(slides == public_slides(public, tables), who, "two readings that agree", "others")
    for listed in slides:
        _check_slide(listed, classes, who=who)
    without = public_slides(public, tables, leave_out=[slides[0].slide_id])
    require(without == slides[1:], who, "all slides but the one left out", f"{len(without)}")


def _check_slide(slide: Listed, classes: Sequence[str], *, who: str) -> None:
    who = f"{who}, slide '{slide.slide_id}'"
    try:
        check_id(slide.slide_id)
    except CohortError as error:
        raise AssertionError(f"{who}: {error}") from error
    require(bool(slide.patient_id), who, "a patient", "none")
    require(slide.label in ("", *classes), who, f"a class of {classes}", slide.label)
    require(slide.split in _SIDES, who, f"a side of {_SIDES}", slide.split)
