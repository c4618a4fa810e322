"""torch_geometric warns once, when it is first imported, of what torch deprecates: import it quietly."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=".*torch.jit.script.*", category=DeprecationWarning)
    import torch_geometric.nn  # noqa: F401

import pytest
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Largest(TorchDispatchMode):
    """Remembers the size of the largest tensor that any operation gave, backward included."""

    nbytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        sizes = [leaf.untyped_storage().nbytes() for leaf in tree_leaves(out) if isinstance(leaf, Tensor)]
        self.nbytes = max([self.nbytes, *sizes])
        return out


@pytest.fixture
def largest():
    """A context that tells ``nbytes`` of the largest tensor made inside it."""
    return Largest()
