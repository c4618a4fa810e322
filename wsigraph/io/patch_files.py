"""Patch files: where the patches of a slide lie, before any pixels are encoded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from wsigraph.data.patches import Patches
from wsigraph.errors import FeatureFileError, TilingError, expected
from wsigraph.io.atomic import atomic_path
from wsigraph.io.features.guard import GuardedFile, open_guarded
from wsigraph.io.hdf5_text import fixed_text

_SIZES = ("patch_size_level0", "step_level0", "read_level", "read_px", "mpp", "target_mpp")
_MARK = "wsigraph patches 1"
_FLAG, _MADE = "flag_", "made_with_"


def write_patches(
    path: str | Path, patches: Patches, *, made_with: Mapping[str, float] | None = None
) -> None:
    """Write patches as HDF5 with TRIDENT's names, atomically.

    Layout: ``coords`` [N, 2] int64 with the sizes as attributes (``patch_size`` is ``patch_px``), ``tissue``
    [N] float32, ``flag_<name>`` [N] uint8, and the attributes ``format`` and ``complete`` on the file.

    Args:
        path: Where to.
        patches: The patches of one slide.
        made_with: Numbers to keep beside them, such as what the tiling asked for.
    """

    def verify(temporary: Path) -> None:
        if not _same(patches, read_patch_file(temporary)):
            where = f"Patch file of slide '{patches.slide_id}'"
            raise FeatureFileError(
                expected(where, "what was written read back", "other values", todo="Check the disk.")
            )

    with atomic_path(path, verify=verify) as temporary, h5py.File(temporary, "w") as file:
        coords = file.create_dataset("coords", data=patches.coords.astype("<i8"), fletcher32=True)
        coords.attrs["name"] = fixed_text(patches.slide_id)
        coords.attrs["patch_size"] = patches.patch_px
        for name in _SIZES:
            coords.attrs[name] = getattr(patches, name)
        file.create_dataset("tissue", data=patches.tissue.astype("<f4"), fletcher32=True)
        for name, values in patches.flags.items():
            file.create_dataset(_FLAG + name, data=values.astype(np.uint8), fletcher32=True)
        file.attrs.update({_MADE + name: value for name, value in (made_with or {}).items()})
        file.attrs["format"] = fixed_text(_MARK)
        file.flush()
        file.attrs["complete"] = True


def read_patch_file(path: str | Path) -> Patches:
    """Read a file of :func:`write_patches`.

    Raises: FeatureFileError: if the file is no such file, incomplete, damaged or hostile.
    """
    with open_guarded(path) as file:
        _check_mark(file)
        facts = file.attributes("coords")
        try:
            return Patches(
                slide_id=str(facts["name"]),
                coords=file.read("coords"),
                patch_px=int(facts["patch_size"]),
                tissue=file.read("tissue"),
                flags={n[len(_FLAG) :]: file.read(n) > 0 for n in file.datasets if n.startswith(_FLAG)},
                **{name: facts[name] for name in _SIZES},
            )
        except TilingError as error:
            raise FeatureFileError(str(error)) from error


def read_made_with(path: str | Path) -> dict[str, float]:
    """The numbers given to :func:`write_patches` as ``made_with``.

    Raises: FeatureFileError: if the file is no such file, incomplete or damaged.
    """
    with open_guarded(path) as file:
        _check_mark(file)
        facts = file.attributes()
    return {name[len(_MADE) :]: float(value) for name, value in facts.items() if name.startswith(_MADE)}


def _check_mark(file: GuardedFile) -> None:
    facts = file.attributes()
    if facts.get("format") != _MARK or not facts.get("complete", False):
        raise FeatureFileError(
            expected(file.where, f"a finished file of format '{_MARK}'", f"attributes {sorted(facts)}")
        )


def _same(written: Patches, read: Patches) -> bool:
    names = ("slide_id", "patch_px", *_SIZES)
    return (
        all(getattr(written, name) == getattr(read, name) for name in names)
        and np.array_equal(written.coords, read.coords)
        and np.array_equal(written.tissue.astype(np.float32), read.tissue)
        and written.flags.keys() == read.flags.keys()
        and all(np.array_equal(flag, read.flags[name]) for name, flag in written.flags.items())
    )
