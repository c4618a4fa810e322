"""What other packages' builds get wrong, mended in one place."""

from __future__ import annotations

import sys
from functools import cache
from importlib.util import find_spec

_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def mend_torchvision() -> None:
    """Make a torchvision built for CUDA importable beside a CPU build of torch.

    Such a torchvision cannot load its compiled operators and then fails on import, for want of two names that
    nothing here calls. Lightning imports it through torchmetrics wherever it is installed, and timm needs its
    pure-Python parts. Naming the two operators is enough for both. A torchvision that works is left alone.
    """
    if "torchvision" in sys.modules or find_spec("torchvision") is None:
        return
    try:
        import torchvision  # noqa: F401
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        _name_operators()


@cache
def _name_operators() -> object:
    """Define the names; they live as long as the returned object, which the cache keeps."""
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _OPERATORS:
        library.define(schema)
    return library
