"""What a slide reader is: facts about the slide and pixels on demand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType

import numpy as np

from wsigraph.data.slide_info import SlideInfo


class SlideReader(ABC):
    """An open slide. Use it in a ``with`` statement, so that the file is closed.

    Attributes:
        info: Facts that outlive the open file.
    """

    info: SlideInfo

    @abstractmethod
    def read_region(self, x: int, y: int, *, level: int, width: int, height: int) -> np.ndarray:
        """Read pixels; what lies outside the slide has its background colour.

        Args:
            x: Left edge, level-0 pixels.
            y: Top edge, level-0 pixels.
            level: Pyramid level to read.
            width: Pixels of that level.
            height: Pixels of that level.

        Shape: ``[height, width, 3]`` uint8 RGB.
        Raises: SlideError: naming the slide and the level, if the pixels cannot be read.
        """

    @abstractmethod
    def close(self) -> None:
        """Close the file; closing twice is fine."""

    def __enter__(self) -> SlideReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
