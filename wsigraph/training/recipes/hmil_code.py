"""HMIL as its authors' code computes its loss."""

from __future__ import annotations

from wsigraph.data.tasks.base import Task
from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.recipes.hmil import BIBTEX, FALLS, RISES, cross_entropies, hmil_recipe, hmil_tree


@published(
    kind="set",
    title="HMIL's loss as its authors' code has it: a second softmax, no instance alignment, a wave of tau",
    equation=r"\alpha\, \mathrm{CE}_c + \mathrm{CE}_f + L_{ba}^{code} + (1 - \alpha) L_{scl}^{code} / B,"
    r" \quad \alpha = 1 - (e / E)^2",
    bibtex=BIBTEX,
)
def hmil_code(*, in_channels: int, classes: tuple[str, ...], task: Task | None = None) -> Recipe:
    """Hierarchical MIL with the loss of the released code, for comparison with recipe ``hmil``.

    The instance alignment is computed there and never added, so it is left out here. Summed fine
    probabilities are taken for logits of the coarse class. The vectors of all classes of a slide are
    positives of each other and of those of slides of its class, at a temperature that goes from 1 to .1 and
    back, and the contrast is divided by the number of slides once more.

    Source: the code released with Jin et al. 2025 (trainer of commit af6f85a). Differs: the code lacks its
    network, its contrastive loss and its data sets, and cannot run; guessed are the network (that of the
    paper), a contrast of vectors of length 1 without a base temperature, steps of 64 shuffled slides, and
    Adam at 1e-4; the rate is constant, where the code lowers it when the training loss stalls; the best
    validation cross-entropy of the fine head chooses the epoch; inputs are standardised. Of deeper trees the
    levels above the finest have cross-entropies alone, and the finest is aligned with the one above it.
    """
    tree = hmil_tree(classes, task)
    return hmil_recipe(
        "hmil_code",
        tree,
        in_channels=in_channels,
        terms={
            **cross_entropies(tree, {**FALLS, "weight_shape": "open_square"}),
            "bag_alignment": {"name": "bag_alignment", "head": "fine", "form": "code"},
            "contrast": {
                "name": "supervised_contrast",
                "head": "fine",
                "form": "code",
                "temperature": "wave",
                **RISES,
                "weight_shape": "open_square",
            },
        },
        sampler={"name": "shuffled", "slides_per_step": 64},
    )
