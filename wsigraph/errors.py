"""Every error wsigraph raises on purpose, in one tree.

A message reads ``{where and which slide}: expected {what}, got {what}. {what to do}``.
Catching :class:`WsigraphError` catches them all and nothing else.
"""

from __future__ import annotations


class WsigraphError(Exception):
    """Root of the tree."""


class SlideError(WsigraphError):
    """A slide cannot be opened or read."""


class MppError(SlideError):
    """A slide's microns per pixel are missing or cannot be true."""


class TilingError(WsigraphError):
    """The requested patches do not exist on this slide."""


class FeatureFileError(WsigraphError):
    """A feature file is broken, hostile or in no known layout."""


class SeveralSetsError(FeatureFileError):
    """A folder holds several sets of features, and none of them was chosen."""


class FeatureError(WsigraphError):
    """Features and coordinates contradict each other or hold NaN."""


class GraphError(WsigraphError):
    """A graph cannot be built or used as asked."""


class RecipeError(WsigraphError):
    """A recipe asks for what its parts cannot do."""


class UnknownPartError(RecipeError):
    """No part of that name is registered."""


class CohortError(WsigraphError):
    """A manifest is broken, or a cohort cannot be split as asked."""


class LabelTreeError(WsigraphError):
    """A label tree is broken, or does not hold what it is asked for."""


class LeakError(CohortError):
    """A patient or a feature file stands on both sides of a split."""


class RunError(WsigraphError):
    """A run folder is incomplete, or does not fit what it is asked."""


class WeightsError(WsigraphError):
    """Pretrained weights cannot be fetched, or do not fit their model."""


class MissingExtraError(WsigraphError):
    """An optional dependency is needed: the message names the extra."""


def expected(where: str, what: str, got: str, *, todo: str = "") -> str:
    """Compose the house's error sentence.

    Args:
        where: The object and, where there is one, the slide: ``"SpatialGraph 'A1'"``.
        what: What was expected.
        got: What was found, with the real numbers.
        todo: What the caller can do about it.
    """
    return f"{where}: expected {what}, got {got}." + (f" {todo}" if todo else "")
