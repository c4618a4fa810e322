"""The best patches of a slide of a class above the best of a slide that is not of it."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from wsigraph.errors import CohortError, RecipeError, expected
from wsigraph.objectives.base import Sizes, Step
from wsigraph.objectives.node_scores import Scale, on_scale
from wsigraph.objectives.patch_term import Odds, PatchTerm
from wsigraph.objectives.ranking import ranking


class Ranking(PatchTerm, name="ranking"):
    r"""Max-margin ranking of the slides of a step by their k highest patch scores, class by class.

    .. math::  L = \frac{1}{C} \sum_c \max\bigl(0,\; m - \overline{\mathrm{top}_k}\, s_c^{y = c}
        + \overline{\mathrm{top}_k}\, s_c^{y \ne c}\bigr)

    Mean over the classes that the step can rank: those of which it holds a slide and a slide that is not. A
    step of one kind of slide is 0, so a sampler must deal both: ``pairs`` does in every step.

    Args:
        sizes: Widths of the model.
        view: View whose patch scores are read.
        head: Head whose patch scores are read.
        background: Class that no patch is scored for, or None.
        odds: ``"softmax"`` or ``"each"``.
        k: How many patches speak for a slide; all where it has fewer.
        margin: m.
        scale: What is ranked: ``"probabilities"`` or ``"logits"``.

    Shape: node_logits ``[N, K]``, target ``[B]`` classes, or ``[B, L]`` of a label tree.
    Raises: RecipeError: if k is below 1, or background, odds or scale cannot be. CohortError: if the training
        slides cannot be ranked for any class.
    Source: HNM-WSI (Huang et al. 2024), L_MIRank, k = 10. Differs: several classes, the mean over them.
    """

    per_slide: ClassVar[bool] = False
    least_slides: ClassVar[int] = 2

    def __init__(
        self,
        sizes: Sizes,
        *,
        view: str = "clean",
        head: str = "bag",
        background: int | None = 0,
        odds: Odds = "softmax",
        k: int = 10,
        margin: float = 1.0,
        scale: Scale = "probabilities",
    ) -> None:
        super().__init__(sizes, view=view, head=head, background=background, odds=odds)
        if k < 1:
            raise RecipeError(expected("Term 'ranking'", "k of at least 1", f"{k}"))
        on_scale(torch.zeros(0), scale)  # refuses another scale
        self.k, self.margin, self.scale = k, margin, scale

    def see(self, targets: Tensor) -> None:
        """Refuse training slides that hold no pair for any class."""
        labels = self.labels(targets)
        if not self._rankable(labels[labels >= 0]):
            got = f"{len(targets)} slides, of classes {sorted(set(labels.tolist()))}"
            what = f"training slides of a class of {list(self.classes)} and slides that are not of it"
            raise CohortError(expected("Term 'ranking'", what, got))

    def forward(self, step: Step) -> Tensor:
        """Mean over the classes that the step can rank."""
        scores, batch, labels = self.known(step)
        columns = self._rankable(labels)
        if not columns:
            return scores.sum() * 0.0
        values = [
            ranking(scores[:, i], batch, labels == c, k=self.k, margin=self.margin, scale=self.scale)
            for i, c in columns
        ]
        return torch.stack(values).mean()

    def _rankable(self, labels: Tensor) -> list[tuple[int, int]]:
        """Column and class of those of which some slides are, and some are not."""
        counts = [(i, c, int((labels == c).sum())) for i, c in enumerate(self.classes)]
        return [(i, c) for i, c, count in counts if 0 < count < len(labels)]
