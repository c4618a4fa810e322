"""The built-in encoder measures what its column names say."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from wsigraph.patches.encoders.stain_texture import StainTexture
from wsigraph.patches.stains import EOSIN, HAEMATOXYLIN, separate_stains
from wsigraph.patches.texture import edges, halve, moments, pattern_histogram, quantiles
from wsigraph.testing.patch_encoders import tissue_like_patch

PINK, VIOLET, WHITE = (232, 180, 210), (92, 62, 140), (250, 250, 250)


def encode(*images: np.ndarray) -> dict[str, np.ndarray]:
    rows = StainTexture().encode(np.stack(images))
    return dict(zip(StainTexture.columns, rows.T, strict=True))


def ellipses(centres, *, semi_x: float, semi_y: float, patch_px: int = 128, ground=PINK) -> np.ndarray:
    y, x = np.mgrid[:patch_px, :patch_px]
    inside = np.zeros((patch_px, patch_px), bool)
    for centre_x, centre_y in centres:
        inside |= ((x - centre_x) / semi_x) ** 2 + ((y - centre_y) / semi_y) ** 2 <= 1
    return np.where(inside[..., None], VIOLET, ground).astype(np.uint8)


GRID_9 = list(itertools.product((24, 64, 104), repeat=2))


def test_columns_are_documented():
    text = StainTexture.__doc__.split("Shape:")[0]
    named = set()
    for word in re.findall(r"[a-z][\w{},.]*_[\w{},.]*|[\w{},]*\{[\w{},]*\}\w*", text):
        parts = [part.split(",") for part in re.split(r"[{}]", word)]
        named |= {"".join(choice).rstrip(",") for choice in itertools.product(*parts)}
    named |= {f"pattern_{k}" for k in range(10) if "pattern_0..9" in text}
    assert set(StainTexture.columns) - named == set()
    assert StainTexture.out_channels == len(StainTexture.columns) == 64


def test_stains_unmix_what_was_mixed():
    amounts = np.array([[0.0, 0.0], [0.3, 0.0], [0.0, 0.4], [0.5, 0.2], [0.1, 0.6]])
    vectors = np.array([HAEMATOXYLIN, EOSIN])
    density = amounts @ (vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    pixels = np.rint(256 * 10**-density - 1).astype(np.uint8)
    stains = separate_stains(pixels.T.reshape(3, 1, 1, -1))
    np.testing.assert_allclose(stains.haematoxylin.ravel(), amounts[:, 0], atol=0.01)
    np.testing.assert_allclose(stains.eosin.ravel(), amounts[:, 1], atol=0.01)
    np.testing.assert_allclose(stains.residual.ravel(), 0, atol=0.01)


def test_nuclei_are_counted_and_sized():
    values = encode(ellipses(GRID_9, semi_x=8, semi_y=8), ellipses(GRID_9[:4], semi_x=5, semi_y=5))
    np.testing.assert_allclose(values["nuclear_peaks"] * 128**2 / 400, [9, 4], rtol=1e-5)
    np.testing.assert_allclose(values["blob_count"] * 128**2 / 4000, [9, 4], rtol=1e-5)
    np.testing.assert_allclose(values["blob_size"], np.sqrt(np.pi) * np.array([8, 5]), rtol=0.12)
    np.testing.assert_allclose(values["nuclear_share"][0], 9 * np.pi * 64 / 128**2, rtol=0.12)
    assert (values["blob_size_std"] < 0.5).all()
    assert (values["blob_raggedness"] < 0.05).all()
    assert (values["nuclear_haematoxylin"] > 0.3).all()
    assert (values["nuclear_contrast"] > 0.2).all()


def test_form_of_nuclei():
    round_, oval, crossed = (
        ellipses(GRID_9, semi_x=8, semi_y=8),
        ellipses(GRID_9, semi_x=12, semi_y=6),
        np.minimum(ellipses(GRID_9, semi_x=16, semi_y=4), ellipses(GRID_9, semi_x=4, semi_y=16)),
    )
    values = encode(round_, oval, crossed)
    np.testing.assert_allclose(values["blob_elongation"], [0, 0.5, 0], atol=0.09)
    assert values["edges_2px_parallel"][1] > 3 * values["edges_2px_parallel"][0]
    assert values["blob_raggedness"][2] > 0.2


def test_parallel_fibres_are_straight_and_share_a_direction():
    x = np.arange(128)
    stripes = np.where((x // 8 % 2 == 0)[None, :, None], PINK, (200, 90, 160)) * np.ones((128, 1, 1))
    noise = np.random.default_rng(0).integers(80, 255, (128, 128, 3))
    values = encode(stripes.astype(np.uint8), noise.astype(np.uint8))
    assert values["eosin_edges_parallel"][0] > 0.99
    assert values["eosin_edges_straight"][0] > 0.95
    assert values["eosin_edges_parallel"][1] < 0.1
    assert values["eosin_edges_straight"][1] < 0.5


def test_lumen():
    glass = ellipses(GRID_9[:1], semi_x=8, semi_y=8, ground=WHITE)
    lumen = ellipses([], semi_x=1, semi_y=1)
    lumen[32:96, 32:96] = VIOLET
    lumen[40:88, 40:88] = WHITE
    stroma = ellipses([], semi_x=1, semi_y=1)
    stroma[40:88, 40:88] = WHITE
    values = encode(glass, lumen, stroma)
    hole = (48 / 128) ** 2
    np.testing.assert_allclose(values["clear_share"], [1 - np.pi * 64 / 128**2, hole, hole], atol=0.01)
    assert values["clear_border_haematoxylin"][1] > 3 * values["clear_border_haematoxylin"][2]


def test_a_flat_patch_has_no_texture_and_no_nuclei():
    flat = np.full((3, 64, 64, 3), (235, 200, 220), np.uint8)
    flat[1:] = 255, 255, 255
    flat[2] = 0
    values = encode(*flat)
    for name in values:
        if "_std" in name or "_skew" in name or "edges_" in name or "grain" in name or "correlation" in name:
            np.testing.assert_allclose(values[name], 0, atol=2e-3, err_msg=name)
    np.testing.assert_allclose(values["nuclear_share"][:2], 0)
    np.testing.assert_allclose(values["nuclear_peaks"], 0)
    np.testing.assert_allclose(values["pattern_0"], 1)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turning_a_patch_changes_nothing(turns):
    images = [tissue_like_patch(96, seed=seed) for seed in range(4)]
    upright, turned = encode(*images), encode(*(np.rot90(image, turns).copy() for image in images))
    mirrored = encode(*(image[:, ::-1].copy() for image in images))
    for name in upright:
        np.testing.assert_allclose(turned[name], upright[name], atol=2e-4, rtol=2e-4, err_msg=name)
        np.testing.assert_allclose(mirrored[name], upright[name], atol=2e-4, rtol=2e-4, err_msg=name)


def test_values_do_not_grow_with_the_patch():
    images = [tissue_like_patch(256, seed=seed) for seed in range(6)]
    quarters = [i[y : y + 128, x : x + 128] for i in images for y in (0, 128) for x in (0, 128)]
    whole, parts = encode(*images), encode(*quarters)
    for name in set(whole) - {"edges_2px_parallel", "eosin_edges_parallel"}:
        scale = np.abs(whole[name]).mean() + 0.02
        assert abs(parts[name].mean() - whole[name].mean()) < 0.25 * scale, name


def test_statistics_against_plain_loops():
    random = np.random.default_rng(0)
    planes = random.random((3, 17, 22)).astype(np.float32)
    for row, plane in enumerate(planes):
        centre, spread = plane.mean(), plane.std()
        skew = ((plane - centre) ** 3).mean() / (spread + 0.01) ** 3
        np.testing.assert_allclose(
            [m[row] for m in moments(planes)], [centre, spread, skew], rtol=1e-4, atol=1e-5
        )
        q10, q50 = (q[row] for q in quantiles(planes, (0.1, 0.5)))
        np.testing.assert_allclose([(plane < q10).mean(), (plane < q50).mean()], [0.1, 0.5], atol=0.01)
        blocks = [[plane[y : y + 2, x : x + 2].mean() for x in range(0, 22, 2)] for y in range(0, 16, 2)]
        np.testing.assert_allclose(halve(planes)[row], blocks, rtol=1e-5)


def test_patterns_against_plain_loops():
    planes = np.random.default_rng(1).random((2, 9, 11)).astype(np.float32)
    ring = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]
    wanted = np.zeros((2, 10))
    for patch, y, x in itertools.product(range(2), range(1, 8), range(1, 10)):
        bits = [int(planes[patch, y + dy, x + dx] > planes[patch, y, x] + np.float32(0.1)) for dy, dx in ring]
        changes = sum(bits[k] != bits[k - 1] for k in range(8))
        wanted[patch, sum(bits) if changes <= 2 else 9] += 1 / 63
    np.testing.assert_allclose(pattern_histogram(planes, 0.1), wanted, atol=1e-6)


def test_edges_of_a_ramp():
    ramp = np.broadcast_to(np.arange(32, dtype=np.float32) * 0.05, (1, 32, 32)).copy()
    strength, straight, parallel = edges(ramp, 5)
    np.testing.assert_allclose([strength[0], straight[0], parallel[0]], [0.05, 1, 1], rtol=0.01)


@pytest.mark.real
def test_statistics_of_columns_tell_epithelium(real_data):
    """Bags of real tissue: a plain logistic regression on these columns, never trained on its test fold."""
    import pandas as pd
    from PIL import Image
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    bags = pd.read_csv(real_data / "crchisto" / "bags.csv")
    encoder, rows = StainTexture(), []
    for name in bags["image"]:
        with Image.open(real_data / "crchisto" / "images" / f"{name}.png") as file:
            image = np.asarray(file.convert("RGB"))
        patches = image.reshape(10, 50, 10, 50, 3).swapaxes(1, 2).reshape(100, 50, 50, 3)
        features = encoder.encode(patches)
        rows.append(np.hstack([features.mean(axis=0), features.std(axis=0)]))
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    folds = StratifiedKFold(10, shuffle=True, random_state=0)
    label = bags["label_any_epithelial"].to_numpy()
    chance = cross_val_predict(model, np.stack(rows), label, cv=folds, method="predict_proba")[:, 1]
    assert roc_auc_score(label, chance) > 0.94
