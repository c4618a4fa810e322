"""A sound synthetic cohort to plant faults in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.features import write_features
from wsigraph.synthetic.features import arrangement_cohort

SLIDES = 12
SOUND = arrangement_cohort(SLIDES, seed=0, grid=8, in_channels=4)


@dataclass(frozen=True)
class Planted:
    """A folder of twelve feature files and its manifest."""

    folder: Path

    @property
    def manifest(self) -> Path:
        return self.folder / "labels.csv"

    def path(self, number: int) -> Path:
        return self.folder / f"synthetic_{number:03d}.h5"

    def features(self, number: int) -> PatchFeatures:
        return SOUND.features[number]

    def rows(self) -> list[str]:
        return self.manifest.read_text(encoding="utf-8").splitlines()

    def write_rows(self, rows: list[str]) -> None:
        self.manifest.write_text("\n".join(rows) + "\n", encoding="utf-8")

    def trident(self, number: int, *, step: int, stated: int) -> Path:
        """Overwrite a file with one as TRIDENT writes it: patches ``step`` apart that claim ``stated``."""
        x = self.features(number).x
        coords = self.features(number).coords // 256 * step
        with h5py.File(self.path(number), "w") as file:
            file.create_dataset("features", data=x, chunks=(1, x.shape[1]))
            file["coords"] = coords.astype(np.int64)
            file["coords"].attrs.update({"patch_size": 256, "patch_size_level0": stated, "overlap": 0})
        return self.path(number)


@pytest.fixture
def planted(tmp_path) -> Planted:
    rows = ["slide_id,patient_id,label"]
    for index, (features, label) in enumerate(zip(SOUND.features, SOUND.labels, strict=True)):
        write_features(tmp_path / f"{features.slide_id}.h5", features)
        rows.append(f"{features.slide_id},patient_{index},{SOUND.classes[label]}")
    made = Planted(tmp_path)
    made.write_rows(rows)
    return made
