"""What every patch encoder must meet, shipped so that a new one is tested in two lines."""

from __future__ import annotations

import numpy as np

from wsigraph.patches.encoder import PatchEncoder

FLOAT16_LIMIT = float(np.finfo(np.float16).max) / 2
"""Files store float16: half its range leaves room for a slide darker than those seen."""


def sample_patches(patch_px: int = 64, *, seed: int = 0) -> np.ndarray:
    """White, black, grey, pure red, noise, two-tone, tissue-like twice: ``[8, patch_px, patch_px, 3]``."""
    random = np.random.default_rng(seed)
    constant = [np.full((patch_px, patch_px, 3), value) for value in (255, 0, 128, (255, 0, 0))]
    noise = random.integers(0, 256, (patch_px, patch_px, 3))
    halves = np.zeros((patch_px, patch_px, 3))
    halves[:, patch_px // 2 :] = 255
    tissue = [tissue_like_patch(patch_px, seed=seed + k) for k in range(2)]
    return np.stack([*constant, noise, halves, *tissue]).astype(np.uint8)


def tissue_like_patch(patch_px: int, *, seed: int = 0) -> np.ndarray:
    """One patch of blue-violet round nuclei on pink ground, ``[patch_px, patch_px, 3]`` uint8."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:patch_px, :patch_px]
    inside = np.zeros((patch_px, patch_px), bool)
    for centre_x, centre_y, radius in random.uniform(
        (0, 0, 3), (patch_px, patch_px, 7), (max(patch_px**2 // 400, 1), 3)
    ):
        inside |= (x - centre_x) ** 2 + (y - centre_y) ** 2 < radius**2
    colour = np.where(inside[..., None], (92, 62, 140), (228, 172, 206))
    return np.clip(colour + random.normal(0, 6, colour.shape), 0, 255).astype(np.uint8)


def check_patch_encoder(encoder: PatchEncoder, *, patch_px: int = 64, tolerance: float = 1e-4) -> None:
    """Refuse an encoder that a slide could trip over.

    A batch gives what its patches give one by one, and the same again; white, black and constant patches
    give finite numbers that float16 holds; the width is the one declared, the columns are named once each;
    the input is left as it was; no patches give no rows.

    Args:
        encoder: The encoder.
        patch_px: Side of the patches to try.
        tolerance: Between batch and single, relative to the largest value of the row.

    Raises: AssertionError: naming the encoder and the first property it lacks.
    """
    who, images = encoder.full_name, sample_patches(patch_px)
    before = images.copy()
    rows = encoder.encode(images)
    _check_form(encoder, rows, images, before)
    np.testing.assert_array_equal(
        encoder.encode(images), rows, err_msg=f"{who}: the same batch, other numbers"
    )
    single = np.concatenate([encoder.encode(image[None]) for image in images])
    order = np.random.default_rng(1).permutation(len(images))
    for what, other in (
        ("one by one", single),
        ("another order", encoder.encode(images[order])[np.argsort(order)]),
    ):
        gap = np.abs(other - rows).max(axis=1) / (np.abs(rows).max(axis=1) + 1e-6)
        _require(gap.max() <= tolerance, who, f"a batch that equals {what}", f"a gap of {gap.max():.1e}")
    tissue = rows[-2:]
    _require(bool(np.any(tissue[0] != rows[0])), who, "tissue unlike white glass", "the same row")


def _check_form(encoder: PatchEncoder, rows: np.ndarray, images: np.ndarray, before: np.ndarray) -> None:
    """Shape, type, range, names, and that the input is untouched."""
    who, width = encoder.full_name, encoder.out_channels
    _require(rows.shape == (len(images), width), who, f"rows [{len(images)}, {width}]", f"{list(rows.shape)}")
    _require(rows.dtype == np.float32, who, "float32 rows", str(rows.dtype))
    _require(bool(np.isfinite(rows).all()), who, "finite numbers on constant patches", "NaN or inf")
    largest = float(np.abs(rows).max())
    _require(
        largest < FLOAT16_LIMIT, who, f"values under {FLOAT16_LIMIT:.0f}, for float16 files", f"{largest:.0f}"
    )
    names = encoder.columns
    _require(
        not names or (len(names) == width and len(set(names)) == width),
        who,
        f"no column names, or {width} different ones",
        f"{len(names)} ({len(set(names))} different)",
    )
    _require(bool((images == before).all()), who, "the input left as it was", "changed pixels")
    empty = encoder.encode(images[:0])
    _require(empty.shape == (0, width), who, f"no rows [0, {width}] for no patches", f"{list(empty.shape)}")


def _require(holds: bool, who: str, what: str, got: str) -> None:
    if not holds:
        raise AssertionError(f"Patch encoder '{who}': expected {what}, got {got}.")
