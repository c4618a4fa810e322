"""From slides to feature files."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.data.patches import Patches
from wsigraph.errors import FeatureError, FeatureFileError
from wsigraph.io.features import read_features, write_features
from wsigraph.io.patch_files import read_patch_file
from wsigraph.io.slides import SlideReader, open_slide, read_patches
from wsigraph.patches.encoder import PatchEncoder
from wsigraph.patches.tiling import Tiling
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.pipelines.slides import PrepareResult, for_each_slide, mpp_of
from wsigraph.pipelines.tile import patch_file, tile_slide, was_tiled

_HALF_MAX = float(np.finfo(np.float16).max)


def encode_cohort(
    slides: Sequence[str | Path],
    out: str | Path,
    *,
    encoder: PatchEncoder,
    tiling: Tiling | None = None,
    slide_mpp: float | Mapping[str, float] | None = None,
    batch_size: int = 64,
    reporter: Reporter | None = None,
) -> PrepareResult:
    """Tile and encode every slide.

    Writes ``out/<slide_id>.h5`` beside what :func:`~wsigraph.pipelines.tile.tile_cohort` writes. The feature
    file comes last and whole: a job that was killed is resumed by running it again. A slide with a whole
    file from the same encoder and tiling is skipped; one that fails does not end the job.

    Args:
        slides: Slide files, see :func:`~wsigraph.pipelines.slides.find_slides`.
        out: Folder to write to.
        encoder: What turns patches into rows; features are stored as float16
            where that can hold them.
        tiling: What patches are asked for.
        slide_mpp: Microns per level-0 pixel, for all slides or by slide id; overrides the files.
        batch_size: Patches encoded at once.
        reporter: Who hears of the progress.

    Raises: CohortError: if two files would be the same slide.
    Units: um/px for ``slide_mpp``.
    """
    tiling, out, reporter = tiling or Tiling(), Path(out), reporter or Silent()

    def work(path: Path, result: PrepareResult) -> None:
        with open_slide(path, slide_mpp=mpp_of(path, slide_mpp)) as reader:
            slide_id = reader.info.slide_id
            target = out / f"{slide_id}.h5"
            if was_tiled(out, reader.info, tiling) and _was_encoded(
                target, patch_file(out, slide_id), encoder
            ):
                result.skipped.append(slide_id)
                return
            if target.exists():
                reporter.say(
                    f"{slide_id}: its feature file is of another encoder or tiling, or broken; made anew"
                )
            patches = tile_slide(reader, out, tiling)
            features = encode_slide(
                reader, patches, encoder=encoder, batch_size=batch_size, reporter=reporter
            )
            write_features(target, features)
            result.enter(patches)

    return for_each_slide(slides, work, task="encode", reporter=reporter)


def encode_slide(
    reader: SlideReader,
    patches: Patches,
    *,
    encoder: PatchEncoder,
    batch_size: int = 64,
    reporter: Reporter | None = None,
) -> PatchFeatures:
    """Encode the patches of one open slide, reading the next batch while this one is encoded.

    Raises:
        SlideError: if a patch cannot be read.
        FeatureError: if the encoder gives NaN or inf.
    """
    reporter = reporter or Silent()
    reporter.start(patches.slide_id, len(patches))
    rows = []
    with closing(_ahead(read_patches(reader, patches, batch_size=batch_size))) as batches:
        for batch in batches:
            rows.append(_as_half(encoder.encode(batch)))
            reporter.advance(patches.slide_id, len(batch))
    reporter.finish(patches.slide_id)
    return PatchFeatures(
        slide_id=patches.slide_id,
        x=np.concatenate(rows),
        coords=patches.coords,
        patch_size_level0=float(patches.patch_size_level0),
        patch_px=patches.patch_px,
        step_level0=float(patches.step_level0),
        mpp=patches.mpp,
        target_mpp=patches.target_mpp,
        encoder=encoder.full_name,
        source="wsigraph",
    )


def _was_encoded(target: Path, patches: Path, encoder: PatchEncoder) -> bool:
    if not target.exists():
        return False
    try:
        features = read_features(target)
        same_patches = np.array_equal(features.coords, read_patch_file(patches).coords)
    except (FeatureError, FeatureFileError):
        return False
    return same_patches and features.encoder == encoder.full_name


def _as_half(x: np.ndarray) -> np.ndarray:
    """Half precision where it can hold the numbers; files hold no more."""
    fits = float(np.abs(x).max(initial=0.0)) <= _HALF_MAX
    return x.astype(np.float16) if fits else x.astype(np.float32)


def _ahead(batches: Iterator[np.ndarray]) -> Generator[np.ndarray, None, None]:
    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch
