"""Which slides a command is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wsigraph.data.patches import Patches
from wsigraph.errors import CohortError, SlideError, WsigraphError, expected
from wsigraph.pipelines.reporter import Reporter

SUFFIXES = frozenset(
    [
        ".svs",
        ".tif",
        ".tiff",
        ".ndpi",
        ".vms",
        ".vmu",
        ".scn",
        ".mrxs",
        ".bif",
        ".svslide",
        ".czi",
        ".dcm",
        ".png",
        ".jpg",
        ".jpeg",
    ]
)


@dataclass(frozen=True)
class PrepareResult:
    """How a cohort fared.

    Args:
        done: Slides made now.
        skipped: Slides that were whole already.
        failed: Reason by slide.
        num_patches: Patches of each slide made now.
        flagged: For each slide made now, how many patches carry each flag (``pen``, ``blur``).
    """

    done: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    num_patches: dict[str, int] = field(default_factory=dict)
    flagged: dict[str, dict[str, int]] = field(default_factory=dict)

    def enter(self, patches: Patches) -> None:
        """A slide is done: note it with its counts."""
        self.done.append(patches.slide_id)
        self.num_patches[patches.slide_id] = len(patches)
        self.flagged[patches.slide_id] = {name: int(flag.sum()) for name, flag in patches.flags.items()}


def find_slides(paths: Sequence[str | Path]) -> list[Path]:
    """Slides among files and folders, sorted by name.

    A file is taken whatever its ending. Of a folder, and of the folders in it, files with an ending that
    slides have are taken; a MIRAX slide's own data folder is not looked into.

    Raises:
        SlideError: if a path does not exist, or a folder holds no slide.
        CohortError: if two files would be the same slide; the message names both.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise SlideError(
                expected(f"Slide path '{path}'", "a file or folder", "nothing", todo="Check the path.")
            )
        slides = _slides_in(path) if path.is_dir() else [path]
        if not slides:
            raise SlideError(
                expected(f"Folder '{path}'", "slides in it", f"no file ending in {sorted(SUFFIXES)}")
            )
        found.update(dict.fromkeys(slides))
    slides = sorted(found)
    refuse_duplicates(slides)
    return slides


def images_by_slide(images: Sequence[str | Path]) -> dict[str, Path]:
    """Images by the name of their slide.

    Args:
        images: Slides or images, or folders of them.

    Raises: SlideError: if there are none.
    """
    return {path.stem: path for path in find_slides(images)}


def refuse_duplicates(slides: Sequence[str | Path]) -> None:
    """Refuse two files with one slide id.

    Raises: CohortError: naming both files.
    """
    seen: dict[str, Path] = {}
    for path in map(Path, slides):
        other = seen.setdefault(path.stem.lower(), path)  # some disks cannot tell case
        if other is not path:
            raise CohortError(
                expected(
                    f"Slide id '{path.stem}'",
                    "one file",
                    f"two: {other} and {path}",
                    todo="Rename one of them, or name only one.",
                )
            )


def _slides_in(folder: Path) -> list[Path]:
    inside = sorted(folder.iterdir())
    folders = [p for p in inside if p.is_dir() and not p.with_suffix(".mrxs").is_file()]
    files = [p for p in inside if p.is_file()]
    files += [p for sub in folders for p in sorted(sub.iterdir()) if p.is_file()]
    return [p for p in files if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")]


def for_each_slide(
    slides: Sequence[str | Path],
    work: Callable[[Path, PrepareResult], None],
    *,
    task: str,
    reporter: Reporter,
) -> PrepareResult:
    """Do ``work`` on every slide; a slide that fails is named with its reason and the others go on.

    Args:
        slides: Files.
        work: Called with the file and the result, where it enters the slide.
        task: Name of the job in the progress.
        reporter: Who hears of it.

    Raises: CohortError: if two files would be the same slide.
    """
    refuse_duplicates(slides)
    result = PrepareResult()
    reporter.start(task, len(slides))
    for path in map(Path, slides):
        try:
            work(path, result)
        except (WsigraphError, OSError) as error:
            result.failed[path.stem] = str(error)
            reporter.say(f"{path.stem} failed: {error}")
        reporter.advance(task)
    reporter.finish(task)
    return result


def mpp_of(path: Path, slide_mpp: float | Mapping[str, float] | None) -> float | None:
    """The resolution the caller gives for this slide, or None to take the file's."""
    return slide_mpp.get(path.stem) if isinstance(slide_mpp, Mapping) else slide_mpp
