"""Semi-synthetic CAMELYON: is there a lesion in this tissue? True outlines, rows of other tissue's nuclei.

Made up is what a patch looks like, and where a lesion lies; true is the shape of tissue and lesions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from wsigraph.errors import RunError, expected
from wsigraph.evaluation.outlines import Outlines
from wsigraph.io.atomic import sha256, write_text
from wsigraph.io.report.sections import Section
from wsigraph.io.splits import NamedSplit, SplitSet
from wsigraph.patches.nucleus_window import COLUMNS
from wsigraph.pipelines.benchmark.entrants import PARTNER, wished
from wsigraph.pipelines.benchmark.page_lesions import lesion_sizes, lesions_table
from wsigraph.pipelines.benchmark.plan import Contest
from wsigraph.pipelines.benchmark.prepared import Bag, prepared
from wsigraph.pipelines.benchmark.results import Results
from wsigraph.pipelines.benchmark.semireal import Dials, Donors, area, lattice_centres, semireal_slide
from wsigraph.pipelines.benchmark.suite import Suite, Wish
from wsigraph.pipelines.benchmark.suites.crchisto import NUCLEI, nuclei_of, read_marks
from wsigraph.training.seeds import mix

FILE, NUCLEI_OF = Path("camelyon16_lesions", "lesion_polygons.npz"), "crchisto"
CLASSES = ("no_lesion", "lesion")
MPP = 0.243
"""Taken for all slides, um/px."""
FOLDS, FEWEST, MOST = 5, 20, 1000
TRUTH = "truth.csv"
"""What was made, one row per slide; no training reads it."""
GRAPH = {"name": "knn", "k": 8}
SETTINGS = {"optimiser.epochs": 12, "sampler.slides_per_step": 2, "checkpoint.patience": 20}
"""Chosen by validation losses of the first fold of seed 0: ``gin`` ended at .58 after 10 epochs of steps of 4
slides, at .49 after 12 of steps of 2; ``gat`` ended at .63, ``abmil`` at .69, ``mean_pool`` at .68."""


class SemiCamelyon(Suite, name="camelyon"):
    """Tissue of the normal CAMELYON16 slides, half of it with the largest lesion of a tumour slide put in.

    Each outline of tissue is used once, and so is each lesion: every slide is a patient of its own. Patches
    of 1,536 px (.37 mm) stand for the 512 px (256 px at 20x) of the true graphs, so that 2 processor cores
    can train on them: a ninth of the nodes, and outlines of fewer than 20 or more than 1,000 are left out. A
    patch is one nucleus of the set ``crchisto`` (48 statistics): of epithelium in a lesion, of other cells
    elsewhere, and of epithelium in 5 % of patches elsewhere all the same, so that one patch says little and
    neighbours who agree say more. Composition tells large lesions; small ones drown in that noise, and there
    a graph should help. Holes in lesions are ignored.

    Folds are fixed. Each has slides of all sizes, as many with as without lesion, and its own fifth of the
    ``crchisto`` images: no network is tested on a nucleus that it was trained on.
    """

    title = "semi-synthetic CAMELYON: true tissue and lesion outlines, rows of colon nuclei; any lesion?"
    needs = FILE.parts[0]

    def absent(self, data: Path | None) -> str:
        """As of both folders that it reads."""
        why = super().absent(data)
        lacks = data is not None and not (data / NUCLEI_OF).is_dir()
        return why or (f"no folder '{NUCLEI_OF}' in '{data}'" if lacks else "")

    @property
    def dials(self) -> Mapping[str, Dials]:
        """By the name of the contest."""
        return {"camelyon_semisynthetic": Dials()}

    @property
    def names(self) -> tuple[str, ...]:
        """Those of the dials."""
        return tuple(self.dials)

    def contest(self, name: str, wish: Wish) -> Contest:
        """Lesions as the dials have them, all of them on the same outlines."""
        source, dial = self.source(wish).parent, self.dials[name]
        geometry = read_geometry(source / FILE)
        donors = cache(lambda: read_donors(source / NUCLEI_OF))
        folder, plots = wish.work / self.name / name, deal(geometry, step=dial.step)
        hashes = {one.name: sha256(one) for one in (source / FILE, source / NUCLEI_OF / NUCLEI)}
        cohort = prepared(
            folder,
            partial(_slides, plots, geometry, donors, dial, folder),
            slides=len(plots),
            facts={**hashes, **asdict(dial), "plots": len(plots)},
            classes=CLASSES,
            reporter=wish.reporter,
        )
        recipes = wished(wish, in_channels=len(COLUMNS), classes=CLASSES, graph=GRAPH, settings=SETTINGS)
        return Contest(name, cohort, recipes, splits=splits_of(plots), synthetic=True)

    def sections(self, wish: Wish, results: Results) -> list[Section]:
        """How many lesions of each size every method finds."""
        found: list[Section] = []
        for truth in sorted((wish.work / self.name).glob(f"*/{TRUTH}")):
            answers = results.answers(truth.parent.name)
            plain = {name: rows for name, rows in answers.items() if "+" not in name}
            if plain:
                partner = PARTNER if PARTNER in plain else ""
                found.append(lesions_table(truth.parent.name, plain, lesion_sizes(truth), partner=partner))
        return found


@dataclass(frozen=True)
class Plot:
    """What one slide is made of.

    Args:
        outline: Normal slide whose tissue it has.
        lesion: Tumour slide whose largest lesion it has; empty where it has none.
        fold: Fold that tests it, whose nuclei fill it.
    """

    outline: str
    lesion: str
    fold: int

    @property
    def slide_id(self) -> str:
        """Name of the slide, and of its patient."""
        return f"semisynthetic_{self.outline}"


@dataclass(frozen=True)
class Geometry:
    """True outlines.

    Args:
        tissue: Of each normal slide.
        lesions: ``[V, 2]`` the largest lesion of each tumour slide.

    Units: level-0 pixels.
    """

    tissue: Mapping[str, Outlines]
    lesions: Mapping[str, np.ndarray]


def read_geometry(source: Path) -> Geometry:
    """Outlines from the file of polygons; those of normal slides are tissue, all of it solid.

    Raises: RunError: if it holds none of either.
    """
    with np.load(source, allow_pickle=False) as file:
        held = {name: file[name] for name in ("vertices", "ptr", "slide", "positive")}
    rings: dict[str, list[np.ndarray]] = {}
    for i, name in enumerate(held["slide"].tolist()):
        if held["positive"][i] or name.startswith("normal"):
            rings.setdefault(name, []).append(held["vertices"][held["ptr"][i] : held["ptr"][i + 1]])
    tissue = {name: Outlines.of(mine) for name, mine in rings.items() if name.startswith("normal")}
    lesions = {name: max(mine, key=area) for name, mine in rings.items() if name not in tissue}
    if not tissue or not lesions:
        got = f"{len(tissue)} and {len(lesions)}"
        raise RunError(expected(f"Polygons '{source}'", "outlines of tissue and of lesions", got))
    return Geometry(tissue, lesions)


def deal(geometry: Geometry, *, step: int, seed: int = 0) -> list[Plot]:
    """Which tissue gets which lesion, and which fold tests it.

    Outlines of ``FEWEST`` to ``MOST`` patches are paired by size, the largest alone is left out where their
    number is odd; one of each pair, drawn, gets a lesion, drawn from those that are left. Pairs go to the
    folds in turn.

    Args:
        geometry: The outlines.
        step: Of the lattice.
        seed: Of the draws.

    Units: level-0 pixels for ``step``.
    """
    rng = np.random.default_rng(mix(seed, "semi-synthetic CAMELYON"))
    sizes = {name: len(lattice_centres(outlines, step)) for name, outlines in geometry.tissue.items()}
    order = sorted((n for n in sizes if FEWEST <= sizes[n] <= MOST), key=lambda n: (sizes[n], n))
    lesions = rng.permutation(sorted(geometry.lesions)).tolist()
    plots = []
    for pair in range(min(len(order) // 2, len(lesions))):
        bearer = int(rng.integers(2))
        for one in (0, 1):
            lesion = lesions[pair] if one == bearer else ""
            plots.append(Plot(order[2 * pair + one], lesion, pair % FOLDS))
    return plots


def splits_of(plots: Sequence[Plot]) -> SplitSet:
    """The folds; who validates is drawn from the training slides anew for each seed."""
    folds = []
    for fold in range(FOLDS):
        test = tuple(plot.slide_id for plot in plots if plot.fold == fold)
        train = tuple(plot.slide_id for plot in plots if plot.fold != fold)
        folds.append(NamedSplit(0, fold, train, (), test))
    return SplitSet(tuple(folds), "Semi-synthetic CAMELYON", kind="fixed folds, each with its own nuclei")


def read_donors(source: Path) -> list[Donors]:
    """Nuclei of ``crchisto`` in as many parts as there are folds, by image, epithelium in each."""
    rows: list[tuple[list[np.ndarray], list[np.ndarray]]] = [([], []) for _ in range(FOLDS)]
    marks = sorted(read_marks(source), key=lambda marked: (marked.label, marked.name))
    for place, marked in enumerate(marks):
        x, epithelial = nuclei_of(source, marked).x, marked.classes == "epithelial"
        rows[place % FOLDS][0].append(x[epithelial])
        rows[place % FOLDS][1].append(x[~epithelial])
    return [Donors(np.concatenate(first), np.concatenate(second)) for first, second in rows]


def _slides(
    plots: Sequence[Plot],
    geometry: Geometry,
    donors: Callable[[], list[Donors]],
    dials: Dials,
    folder: Path,
) -> Iterator[Bag]:
    """The slides, and at the end what was made."""
    truth = ["slide_id,lesion,patches,lesion_patches,lesion_mm2"]
    for plot in plots:
        lesion = geometry.lesions[plot.lesion] if plot.lesion else None
        made = semireal_slide(
            plot.slide_id,
            geometry.tissue[plot.outline],
            lesion,
            donors=donors()[plot.fold],
            dials=dials,
            mpp=MPP,
            seed=mix(0, plot.slide_id),
        )
        size = area(made.outline) * (MPP / 1000) ** 2
        counts = f"{len(made.lesion)},{int(made.lesion.sum())}"
        truth.append(f"{plot.slide_id},{plot.lesion},{counts},{size:.4f}")
        yield Bag(made.features, plot.slide_id, CLASSES[int(lesion is not None)])
    write_text(folder / TRUTH, "\n".join(truth) + "\n")
