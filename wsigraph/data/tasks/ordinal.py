"""One class of several that have an order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from wsigraph.data.tasks.one_class import OneClass
from wsigraph.errors import CohortError, expected


@dataclass(frozen=True)
class Ordinal(OneClass, name="ordinal"):
    r"""One class of several in an order, such as grades: one score per slide against ordered thresholds.

    .. math::  P(t \le k) = \sigma(\theta_k - s), \qquad \theta_1 < \dots < \theta_{K-1}

    The heads ``ordinal`` and ``ordinal_supernode`` give log probabilities of the classes as logits, so that
    softmax and cross-entropy are those of the cumulative link model. The answer is the most probable class.

    Args:
        target_col: Column of classes. Numbers are sorted as numbers; other names must be given in their
            order, because the alphabet rarely knows it.

    Shape: logits ``[B, K]`` -> ``prob_<class>`` ``[B, K]``, lowest class first.
    Source: McCullagh 1980 (proportional odds).
    """

    ordered: ClassVar[bool] = True
    heads: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"bag": "ordinal", "supernode": "ordinal_supernode"}
    )

    def in_order(self, words: Iterable[str]) -> tuple[str, ...]:
        """Numbers from small to large.

        Raises: CohortError: if a class is no number.
        """
        found = sorted(words)
        try:
            return tuple(sorted(found, key=float))
        except ValueError:
            raise CohortError(
                expected(
                    "Task 'ordinal'",
                    "classes that are numbers, or classes given in their order",
                    f"{found}",
                    todo="Give the order, lowest first: --classes low,medium,high.",
                )
            ) from None

    def check_classes(self, classes: Sequence[str]) -> str:
        return "" if len(classes) >= 2 else f"ordinal heads need at least 2 classes, got {list(classes)}"
