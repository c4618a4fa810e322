"""The layout that ``write_features`` writes."""

from __future__ import annotations

import math

import numpy as np

from wsigraph.errors import FeatureFileError, expected
from wsigraph.io.features.format import FeatureFormat, RawFeatures
from wsigraph.io.features.guard import GuardedFile

MARK = "wsigraph-features-1"


class Own(FeatureFormat[GuardedFile], name="wsigraph"):
    """TRIDENT's names, with what it leaves out: mpp, step, encoder, completeness and a hash.

    Raises: FeatureFileError: if the file was never finished.
    """

    opens = GuardedFile
    priority = 0

    def matches(self, file: GuardedFile) -> bool:
        """By the root attribute ``format``."""
        return str(file.attributes().get("format", "")).startswith("wsigraph-features")

    def read(self, file: GuardedFile) -> RawFeatures:
        """All fields as they were written."""
        root = file.attributes()
        if root.get("format") != MARK or not root.get("complete", False):
            raise FeatureFileError(
                expected(
                    file.where,
                    f"a finished file of format '{MARK}'",
                    f"format '{root.get('format')}', complete={bool(root.get('complete', False))}",
                    todo="Encode the slide again.",
                )
            )
        facts = file.attributes("coords")
        return RawFeatures(
            file.read("features"),
            file.read("coords"),
            {
                "slide_id": str(facts.get("slide_id", "")),
                "patch_size_level0": float(facts.get("patch_size_level0", math.nan)),
                "patch_px": int(facts.get("patch_size", 0)),
                "step_level0": float(facts.get("step_level0", math.nan)),
                "mpp": float(facts.get("mpp", math.nan)),
                "target_mpp": float(facts.get("target_mpp", math.nan)),
                "encoder": str(facts.get("encoder", "")),
                "level0_known": bool(facts.get("level0_known", True)),
                **({"joins": file.read("joins").astype(np.int64)} if "joins" in file.datasets else {}),
            },
            notes=tuple(note for note in str(facts.get("notes", "")).split("\n") if note),
        )
