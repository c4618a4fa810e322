"""Text as HDF5 attributes that one damaged byte cannot turn against the reader."""

from __future__ import annotations

import h5py
import numpy as np


def fixed_text(text: str) -> np.ndarray:
    """Text of fixed length, which stands in the checked header (the heap of other text has no checksum)."""
    content = text.encode()
    return np.array(content, dtype=h5py.string_dtype("utf-8", max(1, len(content))))
