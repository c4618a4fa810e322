"""Whether the OpenSlide library can be loaded, and which one it is."""

from __future__ import annotations


def openslide_version() -> str:
    """Version of the loaded OpenSlide library, or why it cannot be loaded."""
    try:
        import openslide
    except (ImportError, OSError) as error:
        return f"cannot be loaded ({error}). Install openslide-bin."
    return openslide.__library_version__
