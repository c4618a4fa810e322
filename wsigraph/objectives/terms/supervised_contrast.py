"""Supervised contrast of slides by the vector of their true class."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from wsigraph.errors import RecipeError, expected
from wsigraph.objectives.base import Need, Objective, Sizes, Step
from wsigraph.objectives.slide_queue import SlideQueue
from wsigraph.objectives.supervised_contrast import Remembered, supervised_contrast
from wsigraph.objectives.tree_targets import TASKS, example_lines, labels_at

WHERE = "Term 'supervised_contrast'"


class SupervisedContrast(Objective, name="supervised_contrast"):
    r"""Slides of one class close together, all others apart, each told by the vector of its true class.

    .. math::  L_{scl} = -\frac1{|I|} \sum_{i \in I} \frac1{|P_i|} \sum_{p \in P_i}
        \log \frac{\exp(z_i \cdot z_p / \tau)}{\sum_{a \ne i} \exp(z_i \cdot z_a / \tau)}

    :math:`z_i` is the head's vector for the true class of slide i, of length 1; I are the slides of the step
    that have a positive. It compares the slides of a step, so that the sampler should see to it that none
    stands alone in its class; slides whose class at the head's level is unknown take no part. A queue of
    slides from earlier steps lets small steps compare with many, as the network saw them then.

    Args:
        sizes: Widths of the model, and the tree.
        view: View whose vectors are read.
        head: Head that gives one vector per slide and class.
        temperature: tau, or ``"wave"``, see :func:`wave`.
        form: ``"paper"``; or ``"code"``: the vectors of all classes of a slide are compared, as positives of
            each other and of those of slides of its class, and the mean is divided by the number of slides.
        queue: Slides of earlier steps that are kept; 0 keeps none. Filled in training, read always.
        class_weights: ``"none"``; or ``"balanced"``: each class weighs the same in sum, both among the slides
            that are compared and among those they are pushed from.

    Shape: extra ``class_embedding`` ``[B, K, E]``, target ``[B, L]`` of labels, coarse to fine, -1 where
        unknown.
    Raises: RecipeError: if there is no tree, tau is not above 0, the queue is negative, or a name is unknown.
    Source: HMIL (Jin et al. 2025), with Khosla et al. 2020, eq. 2; the queue after He et al. 2020 (MoCo),
        balance after Zhu et al. 2022.
    """

    tasks: ClassVar[frozenset[str] | None] = TASKS
    per_slide: ClassVar[bool] = False

    def __init__(
        self,
        sizes: Sizes,
        *,
        view: str = "clean",
        head: str = "fine",
        temperature: float | str = 0.1,
        form: str = "paper",
        queue: int = 0,
        class_weights: str = "none",
    ) -> None:
        super().__init__()
        _check(temperature, form, queue, class_weights)
        self.tree, self.level = sizes.tree_for(WHERE), sizes.level(head, where=WHERE)
        self.view, self.head, self.form = view, head, form
        self.temperature, self.class_weights = temperature, class_weights
        self.needs = (Need(view, head, "class_embedding", ("B", "K", "E")),)
        width = sizes.class_channels.get(head, sizes.node_channels)
        self.seen = SlideQueue(queue, width) if queue else None

    def forward(self, step: Step) -> Tensor:
        """Mean over the slides that have a positive, 0 where none has."""
        vectors = step.views[self.view].head(self.head).extras["class_embedding"]
        labels = labels_at(step.target, self.tree, self.level, where=WHERE)
        share = 1.0
        if self.form == "code":
            labels, share = labels.repeat_interleave(vectors.shape[1]), 1.0 / len(vectors)
            vectors = vectors.flatten(0, 1)
        else:
            vectors = vectors[torch.arange(len(vectors), device=vectors.device), labels.clamp(min=0)]
        memory = None if self.seen is None else self.seen()
        weights = self._weights(labels, memory)
        tau = wave(step.epoch, step.epochs) if isinstance(self.temperature, str) else self.temperature
        loss = supervised_contrast(
            vectors,
            labels,
            temperature=tau,
            memory=memory,
            anchor_weights=weights[0],
            entry_weights=weights[1],
        )
        if self.seen is not None and self.training:
            self.seen.push(vectors, labels)
        return loss * share

    def example_target(self, num_slides: int, num_outputs: int) -> Tensor:
        """Two slides of each class in turn."""
        return example_lines(self.tree, num_slides)

    def _weights(self, labels: Tensor, memory: Remembered | None) -> tuple[Tensor | None, Tensor | None]:
        """Weights of the classes, among the slides of the step and among all that they are pushed from."""
        if self.class_weights == "none":
            return None, None
        keys = labels if memory is None else torch.cat([labels, memory.labels])
        classes = len(self.tree.names(self.level))
        return _one_over_count(labels, classes), _one_over_count(keys, classes)


def wave(epoch: int, epochs: int) -> float:
    r"""The temperature of HMIL's code, 1 at both ends of training and .1 in the middle.

    .. math::  \tau = 0.1 + 0.45\,(1 + \cos(2 \pi e / E))

    Args:
        epoch: e, counted from 0.
        epochs: E.
    """
    return 0.1 + 0.45 * (1.0 + math.cos(2.0 * math.pi * epoch / epochs))


def _one_over_count(labels: Tensor, classes: int) -> Tensor:
    counts = torch.bincount(labels[labels >= 0], minlength=classes)
    return 1.0 / counts.clamp(min=1)


def _check(temperature: float | str, form: str, queue: int, class_weights: str) -> None:
    number = isinstance(temperature, int | float) and not isinstance(temperature, bool)
    if temperature != "wave" and not (number and 0 < float(temperature) < math.inf):
        raise RecipeError(expected(WHERE, "a temperature above 0, or 'wave'", f"{temperature!r}"))
    if form not in ("paper", "code"):
        raise RecipeError(expected(WHERE, "the form 'paper' or 'code'", f"{form!r}"))
    if isinstance(queue, bool) or not isinstance(queue, int) or queue < 0:
        raise RecipeError(expected(WHERE, "a queue of 0 or more slides", f"{queue!r}"))
    if queue and form == "code":
        raise RecipeError(expected(WHERE, "no queue in the form 'code'", f"{queue} slides"))
    if class_weights not in ("none", "balanced"):
        raise RecipeError(expected(WHERE, "class_weights 'none' or 'balanced'", f"{class_weights!r}"))
