"""A confusion matrix as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wsigraph.errors import RunError, expected
from wsigraph.io.figure import INK, save_figure


def write_confusion(
    path: str | Path,
    confusion: Sequence[Sequence[int]] | np.ndarray,
    classes: Sequence[str],
    *,
    title: str = "",
) -> None:
    """Draw counts with the percentage of their row: the diagonal's percentages are the recalls.

    Args:
        path: Where to.
        confusion: ``[K, K]`` counts, row = true class, column = predicted class.
        classes: Class names.
        title: First line.

    Raises: RunError: if the matrix does not fit the classes.
    """
    from matplotlib.figure import Figure

    counts = np.asarray(confusion)
    size = len(classes)
    if counts.shape != (size, size):
        raise RunError(expected("Confusion matrix", f"shape [{size}, {size}]", f"{list(counts.shape)}"))
    total = counts.sum(1, keepdims=True)
    share = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    longest = max(len(name) for name in classes)
    slanted = longest * size > 40
    side = max(2.4, 0.95 * size)
    figure = Figure(figsize=(side + 0.6 + 0.075 * longest, side + 0.6 + (0.06 * longest if slanted else 0.2)))
    axes = figure.subplots()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for i in range(size):
        for j in range(size):
            percent = f"{100 * share[i, j]:.0f} %" if total[i, 0] else "none"
            colour = "white" if share[i, j] > 0.55 else INK
            axes.text(j, i, f"{counts[i, j]}\n{percent}", ha="center", va="center", fontsize=9, color=colour)
    axes.set_xticks(range(size), classes, fontsize=9)
    if slanted:
        axes.tick_params(axis="x", labelrotation=35)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    axes.set_yticks(range(size), classes, fontsize=9)
    axes.set_xlabel("predicted", fontsize=10, color=INK)
    axes.set_ylabel("true", fontsize=10, color=INK)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if title:
        axes.set_title(title, fontsize=11, color=INK)
    save_figure(path, figure)
