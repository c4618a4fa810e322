"""The highest scored patch of each class answers for its slide."""

from __future__ import annotations

from torch import Tensor

from wsigraph.objectives.base import Step
from wsigraph.objectives.max_instance import max_instance
from wsigraph.objectives.patch_term import PatchTerm


class MaxInstance(PatchTerm, name="max_instance"):
    r"""Binary cross-entropy of each slide's highest patch, for each class that patches show.

    .. math::  L = \frac{1}{BC} \sum_{b,c} \mathrm{BCE}\bigl(\max_{i \in b} s_{ic},\; [y_b = c]\bigr)

    It makes the score of a patch a probability by itself, which mining reads: the patches that mining takes
    are scored as the first ``max_instance`` of a recipe scores them. With a background and two classes it is
    ``branch_cross_entropy`` of the stream ``instance_stream`` of a DSMIL head of the same background. Slides
    of unknown class count 0.

    Args:
        sizes: Widths of the model.
        view: View whose patch scores are read.
        head: Head whose patch scores are read.
        background: Class that no patch is scored for, or None.
        odds: ``"softmax"`` or ``"each"``.

    Shape: node_logits ``[N, K]``, target ``[B]`` classes, or ``[B, L]`` of a label tree.
    Raises: RecipeError: if background or odds cannot be.
    Source: DSMIL (Li et al. 2021), the instance stream; half of HNM-WSI's classification loss (Huang et al.
        2024).
    """

    def forward(self, step: Step) -> Tensor:
        """Mean over the slides of the step and the classes."""
        scores, batch, labels = self.known(step)
        if not len(labels):
            return scores.sum() * 0.0
        target = labels.unsqueeze(1) == labels.new_tensor(self.classes)  # [b, C]
        return max_instance(scores, batch, target) * (len(labels) / len(step.target))
