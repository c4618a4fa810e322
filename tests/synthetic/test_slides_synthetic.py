"""The synthetic slides: same stuff, other arrangement, reproducible to the pixel."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.errors import TilingError
from wsigraph.synthetic.arrangement import LABELS, arrange, dense_neighbours, interior, tissue_cells
from wsigraph.synthetic.slides import Layout, cohort_row, render_slide, slide_cohort

SMALL = Layout(grid=12, cell_px=32, tissue_cells=80, dense_cells=10)


def patches(slide, layout=SMALL):
    """``[grid, grid, cell, cell, 3]`` view of the picture."""
    grid, cell = layout.grid, layout.cell_px
    return slide.image.reshape(grid, cell, grid, cell, 3).swapaxes(1, 2)


def test_same_seed_same_pixels_and_other_seed_other_pixels():
    first = render_slide(3, label="clustered", seed=5, layout=SMALL)
    again = render_slide(3, label="clustered", seed=5, layout=SMALL)
    other = render_slide(3, label="clustered", seed=6, layout=SMALL)
    np.testing.assert_array_equal(first.image, again.image)
    assert (first.image != other.image).mean() > 0.5


def test_the_label_changes_only_the_places_of_the_follicles():
    clustered = render_slide(0, label="clustered", layout=SMALL)
    scattered = render_slide(0, label="scattered", layout=SMALL)
    np.testing.assert_array_equal(clustered.tissue, scattered.tissue)
    assert clustered.dense.sum() == scattered.dense.sum() == SMALL.dense_cells
    assert (clustered.dense != scattered.dense).any()
    loose = ~clustered.tissue
    np.testing.assert_allclose(  # glass cells are the same picture but for the drawing order of noise
        patches(clustered)[loose].mean(), patches(scattered)[loose].mean(), atol=0.3
    )


def test_every_slide_has_the_same_composition_and_the_arrangement_tells_the_label():
    crowding = {label: [] for label in LABELS}
    for slide in slide_cohort(12, seed=1, layout=SMALL):
        assert slide.tissue.sum() == SMALL.tissue_cells
        assert slide.dense.sum() == SMALL.dense_cells
        assert not (slide.dense & ~interior(slide.tissue)).any()
        crowding[slide.label].append(dense_neighbours(slide.dense).mean())
    assert max(crowding["scattered"]) < min(crowding["clustered"])


def test_follicles_are_purple_stroma_is_pink_and_glass_is_white():
    slide = render_slide(1, label="clustered", layout=SMALL)
    mean = patches(slide).mean(axis=(2, 3))
    glass, stroma = mean[~slide.tissue], mean[slide.tissue & ~slide.dense]
    assert np.median(glass) > 225
    assert (np.median(stroma, axis=0)[[0, 2]] > np.median(stroma, axis=0)[1] + 10).all()
    assert np.median(mean[slide.dense][:, 0]) < np.median(stroma[:, 0]) - 25


def test_a_patch_of_a_follicle_does_not_show_its_neighbours():
    slide = render_slide(1, label="clustered", layout=SMALL)
    dense, edge = patches(slide)[slide.dense], 2
    rim = np.concatenate(
        [dense[:, :edge].reshape(len(dense), -1, 3), dense[:, -edge:].reshape(len(dense), -1, 3)], 1
    )
    inside = dense[:, 12:20, 12:20]
    assert rim[..., 0].mean() > inside[..., 0].mean() + 20  # stroma all round, whatever stands next door


def set_statistics(slides, seed):
    """Mean, spread and maximum over the tissue cells of each cell's mean colour and contrast."""
    rows, labels = [], []
    for slide in slide_cohort(slides, seed=seed, layout=SMALL):
        pixels = patches(slide)[slide.tissue].astype(float)
        cells = np.concatenate([pixels.mean(axis=(1, 2)), pixels.std(axis=(1, 2))], axis=1)
        rows.append(np.concatenate([cells.mean(0), cells.std(0), cells.max(0)]))
        labels.append(LABELS.index(slide.label))
    return np.array(rows), np.array(labels)


def test_set_statistics_of_the_pixels_do_not_tell_the_label():
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows, labels = set_statistics(80, seed=2)
    fresh, truth = set_statistics(80, seed=3)  # fresh slides: folds of one small cohort read below chance
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1)).fit(rows, labels)
    auc = roc_auc_score(truth, model.predict_proba(fresh)[:, 1])
    assert 0.34 < auc < 0.66  # 80 slides: chance +- 2.5 standard errors


def test_cohort_rows_are_balanced_and_sister_slides_agree():
    rows = [cohort_row(index) for index in range(48)]
    assert len({slide for slide, _, _ in rows}) == 48
    assert sum(label == "clustered" for _, _, label in rows) == 24
    by_patient: dict[str, set[str]] = {}
    for _, patient, label in rows:
        by_patient.setdefault(patient, set()).add(label)
    assert len(by_patient) == 40
    assert all(len(labels) == 1 for labels in by_patient.values())


def test_finished_slides_are_skipped():
    made = [s.slide_id for s in slide_cohort(3, layout=SMALL, skip=frozenset({"synthetic_001"}))]
    assert made == ["synthetic_000", "synthetic_002"]


def test_impossible_layouts_are_refused_with_numbers():
    rng = np.random.default_rng(0)
    with pytest.raises(TilingError, match=r"9\.\.100 tissue cells on a grid of 12, got 200"):
        tissue_cells(rng, 12, count=200)
    with pytest.raises(TilingError, match="at least 9 cells, got 4"):
        arrange(rng, np.eye(4, dtype=bool), count=9, label="clustered")
    with pytest.raises(TilingError, match="'striped'"):
        arrange(rng, np.ones((4, 4), dtype=bool), count=2, label="striped")
