"""The patch encoder that needs no weights: stains, colour, texture and nuclei as documented numbers."""

from __future__ import annotations

import numpy as np

from wsigraph.patches.encoder import PatchEncoder, check_images
from wsigraph.patches.nuclei import nuclear_statistics
from wsigraph.patches.stains import Stains, separate_stains
from wsigraph.patches.texture import (
    box,
    edges,
    gradients,
    halve,
    masked_moments,
    mean,
    moments,
    pattern_histogram,
    quantiles,
)

SMALLEST_PX = 16
CHUNK_PX = 2**17
"""Pixels worked on at once: the planes of a chunk fit in a processor's cache."""

CLEAR = 0.78
"""A pixel whose every channel is brighter than this is glass or an empty lumen."""

PATTERN_TOLERANCE = 0.02
"""Optical density: about two grey levels of a JPEG."""

COLUMNS = (
    *(f"haematoxylin_{s}" for s in ("mean", "std", "skew", "q10", "q50", "q90")),
    *(f"eosin_{s}" for s in ("mean", "std", "skew", "q10", "q50", "q90")),
    "residual_mean",
    "residual_std",
    "stain_correlation",
    *("red_mean", "green_mean", "blue_mean", "red_std", "green_std", "blue_std"),
    *("hue_cos", "hue_sin", "saturation_mean", "saturation_std"),
    *("clear_share", "clear_border_haematoxylin"),
    *(f"edges_{size}px_{s}" for size in (1, 2, 4) for s in ("strength", "straight")),
    "edges_2px_parallel",
    *(f"eosin_edges_{s}" for s in ("strength", "straight", "parallel")),
    *(f"grain_{size}px" for size in (3, 8, 14)),
    *(f"pattern_{k}" for k in range(10)),
    *("nuclear_share", "nuclear_peaks", "nuclear_border", "nuclear_haematoxylin", "nuclear_chromatin"),
    *("nuclear_contrast", "nuclear_eosin", "nuclear_sharpness", "cytoplasm_eosin"),
    *("blob_count", "blob_size", "blob_size_std", "blob_elongation", "blob_raggedness"),
)


class StainTexture(PatchEncoder, name="stain_texture"):
    """64 numbers a pathologist can name, without weights, from patches of 16 px and more.

    Sizes are in pixels of the patch, so patches of one cohort must share one mpp; it was designed for about
    0.5 um/px. Values do not depend on the size of the patch, but for ``*_parallel``, which falls as more
    edges are averaged. "At half resolution": on means of 2x2 pixels. Optical densities (OD) are decadic.

    ========================================== ==============================================================
    columns                                    meaning
    ========================================== ==============================================================
    haematoxylin_{mean,std,skew,q10,q50,q90}   amount of haematoxylin (OD) over the patch; quantiles at half
                                               resolution
    eosin_{mean,std,skew,q10,q50,q90}          the same for eosin
    residual_{mean,std}                        OD neither stain explains: ink, pigment, blood
    stain_correlation                          correlation of haematoxylin and eosin: towards 1 where both
                                               darken together
    {red,green,blue}_{mean,std}                brightness, 0..1, at half resolution
    hue_cos, hue_sin                           mean hue as a direction (0 degrees red), weighed by chroma
    saturation_{mean,std}                      saturation of HSV
    clear_share                                share of glass, lumen, vacuoles, fat
    clear_border_haematoxylin                  haematoxylin within 8 px of clear areas: high where epithelium
                                               lines a lumen
    edges_{1,2,4}px_strength                   gradient of haematoxylin at three resolutions
    edges_{1,2,4}px_straight                   how straight its edges run locally: smooth nuclear or gland
                                               borders against coarse chromatin
    edges_2px_parallel                         how far all edges share one direction: palisades, spindle
                                               cells
    eosin_edges_{strength,straight,parallel}   the same of eosin: collagen, muscle
    grain_{3,8,14}px                           haematoxylin's variation (std) in three bands of size: under 6
                                               px (chromatin), 6-10 px (small nuclei), 10-18 px (large
                                               nuclei, crowding)
    pattern_0..9                               shares of local binary patterns of haematoxylin at half
                                               resolution: 0 flat and peaks, 4 straight edges, 8 pits, 9
                                               irregular
    nuclear_share                              share of the patch inside nuclei
    nuclear_peaks                              nuclear centres per 400 px^2 of patch
    nuclear_border                             share of pixels on the inner border of nuclei
    nuclear_{haematoxylin,chromatin}           mean and std of haematoxylin inside nuclei: hyperchromasia,
                                               clumping
    nuclear_contrast                           haematoxylin inside nuclei less outside
    nuclear_eosin, cytoplasm_eosin             eosin inside and outside nuclei
    nuclear_sharpness                          gradient of haematoxylin on nuclear borders
    blob_count                                 connected dark blobs per 4,000 px^2
    blob_size, blob_size_std                   square root of their area in px, and its spread
    blob_elongation                            1 - minor / major axis
    blob_raggedness                            0 for smooth ovals, towards 1 for clumps and branches
    ========================================== ==============================================================

    Shape: images ``[B, H, W, 3]`` uint8 -> ``[B, 64]`` float32.
    Raises: FeatureError: if a patch is smaller than 16 px.
    Source: stains, Ruifrok and Johnston 2001; patterns, Ojala et al. 2002 (``stains``, ``texture``).
    """

    out_channels = len(COLUMNS)
    columns = COLUMNS

    def encode(self, images: np.ndarray) -> np.ndarray:
        check_images(images, where=f"Patch encoder '{self.name}'", smallest_px=SMALLEST_PX)
        rows = np.empty((len(images), len(COLUMNS)), np.float32)
        step = max(1, CHUNK_PX // (images.shape[1] * images.shape[2]))
        for start in range(0, len(images), step):
            values = _statistics(images[start : start + step])
            for column, name in enumerate(COLUMNS):
                rows[start : start + step, column] = values[name]
        return rows


def _statistics(images: np.ndarray) -> dict[str, np.ndarray]:
    """Every column of one chunk, by name."""
    planes = np.ascontiguousarray(images.transpose(3, 0, 1, 2))
    full = separate_stains(planes)
    half = Stains(halve(full.haematoxylin), halve(full.eosin), halve(full.residual))
    rgb = halve(planes.astype(np.float32)) / np.float32(255)
    edge = np.hypot(*gradients(half.haematoxylin))
    return {
        **_stain_amounts(full, half),
        **_colours(rgb),
        **_clear_areas(rgb, half.haematoxylin),
        **_texture(full, half),
        **_doubled(nuclear_statistics(half.haematoxylin, half.eosin, edge)),
    }


def _doubled(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Sizes measured at half resolution, in pixels of the patch."""
    return {**values, "blob_size": 2 * values["blob_size"], "blob_size_std": 2 * values["blob_size_std"]}


def _stain_amounts(full: Stains, half: Stains) -> dict[str, np.ndarray]:
    values: dict[str, np.ndarray] = {}
    for name, plane, small in (
        ("haematoxylin", full.haematoxylin, half.haematoxylin),
        ("eosin", full.eosin, half.eosin),
    ):
        for statistic, value in zip(("mean", "std", "skew"), moments(plane), strict=True):
            values[f"{name}_{statistic}"] = value
        for statistic, value in zip(("q10", "q50", "q90"), quantiles(small, (0.1, 0.5, 0.9)), strict=True):
            values[f"{name}_{statistic}"] = value
    values["residual_mean"], values["residual_std"], _ = moments(full.residual)
    product = mean(full.haematoxylin * full.eosin) - values["haematoxylin_mean"] * values["eosin_mean"]
    # 1e-3: the correlation of two almost constant planes is 0, not noise.
    values["stain_correlation"] = product / (values["haematoxylin_std"] * values["eosin_std"] + 1e-3)
    return values


def _colours(rgb: np.ndarray) -> dict[str, np.ndarray]:
    values: dict[str, np.ndarray] = {}
    for name, plane in zip(("red", "green", "blue"), rgb, strict=True):
        values[f"{name}_mean"], values[f"{name}_std"], _ = moments(plane)
    red, green, blue = rgb
    along, across = red - (green + blue) / 2, (green - blue) * np.float32(np.sqrt(3) / 2)
    chroma = mean(np.hypot(along, across)) + 1e-3
    values["hue_cos"], values["hue_sin"] = mean(along) / chroma, mean(across) / chroma
    brightest = rgb.max(axis=0)
    saturation = (brightest - rgb.min(axis=0)) / (brightest + np.float32(1e-2))
    values["saturation_mean"], values["saturation_std"], _ = moments(saturation)
    return values


def _clear_areas(rgb: np.ndarray, haematoxylin: np.ndarray) -> dict[str, np.ndarray]:
    clear = rgb.min(axis=0) > np.float32(CLEAR)
    share = clear.astype(np.float32)
    # Any clear pixel in a 9 x 9 window at half resolution: within 8 px of the patch.
    border = (box(share, 9) > np.float32(1e-3)) & ~clear
    return {
        "clear_share": mean(share),
        "clear_border_haematoxylin": masked_moments(haematoxylin, border)[0],
    }


def _texture(full: Stains, half: Stains) -> dict[str, np.ndarray]:
    values: dict[str, np.ndarray] = {}
    planes = {1: full.haematoxylin, 2: half.haematoxylin, 4: halve(half.haematoxylin)}
    for size, plane in planes.items():
        strength, straight, parallel = edges(plane, 3 if size == 4 else 5)
        values[f"edges_{size}px_strength"], values[f"edges_{size}px_straight"] = strength, straight
        if size == 2:
            values["edges_2px_parallel"] = parallel
    for name, value in zip(("strength", "straight", "parallel"), edges(half.eosin, 5), strict=True):
        values[f"eosin_edges_{name}"] = value
    levels = [half.haematoxylin, *(box(half.haematoxylin, size) for size in (3, 5, 9))]
    for index, size in enumerate((3, 8, 14)):
        band = levels[index] - levels[index + 1]
        values[f"grain_{size}px"] = np.sqrt(mean(band * band))
    histogram = pattern_histogram(half.haematoxylin, PATTERN_TOLERANCE)
    values.update({f"pattern_{k}": histogram[:, k] for k in range(10)})
    return values
