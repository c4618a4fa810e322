"""One class of several per slide."""

from __future__ import annotations

from dataclasses import dataclass

from wsigraph.data.tasks.one_class import OneClass


@dataclass(frozen=True)
class Classification(OneClass, name="classification"):
    r"""One class of several, in no order: softmax of the logits, learned by cross-entropy.

    .. math::  p_k = \mathrm{softmax}(y)_k

    Args:
        target_col: Column of classes; an empty cell leaves the slide out.

    Shape: logits ``[B, K]`` -> ``prob_<class>`` ``[B, K]``.
    """
