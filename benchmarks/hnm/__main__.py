"""``python -m benchmarks.hnm {prepare,run,report,costs}``: does mining hard negatives help on real pixels?"""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.arguments import names_of, numbers
from benchmarks.hnm.arms import ARMS, DEALT

TRIAL: tuple[dict[str, Any], dict[str, Any]] = (
    {"optimiser.epochs": 1},
    {"rounds": 1, "epochs_per_round": 1, "warmup": 0, "floor": 0.0, "steps": 1, "batch": 32},
)
"""Settings of ``--trial``."""
SLIDE = Path("slides_he") / "her2st_B4.tiff"


def main(given: list[str] | None = None) -> None:
    """Parse, call, print."""
    asked = _parser().parse_args(given)
    data = asked.source / "crchisto"
    if asked.verb == "prepare":
        from benchmarks.srmil_study.prepare import prepare

        prepare("crchisto", asked.source, asked.work)
    elif asked.verb == "run":
        from benchmarks.hnm.fits import Bench
        from benchmarks.hnm.pixels import load

        def listen(line: str) -> None:
            print(f"{datetime.now(UTC):%H:%M:%S} {line}", flush=True)

        quick = TRIAL if asked.trial else ({}, {})
        bench = Bench(asked.work, load(data), commit=asked.commit, quick=quick, listen=listen)
        bench.run(asked.arms, asked.seeds, folds=asked.folds)
    elif asked.verb == "costs":
        from benchmarks.hnm.costs import write_costs

        print(write_costs(asked.work, asked.slide or asked.source / SLIDE, asked.out))
    else:
        from benchmarks.hnm.page import write_page
        from benchmarks.hnm.pixels import truth

        print(write_page(asked.work, truth(data), asked.out))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hnm", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    first = verbs.add_parser("prepare", help="48 statistics of each nucleus, manifest")
    second = verbs.add_parser("run", help="train what is missing; can be stopped and called again")
    second.add_argument("--arms", type=names_of({**ARMS, **DEALT}), default=list(ARMS), help="A,B,...")
    second.add_argument("--seeds", type=numbers, default=list(range(5)), help="0-4 or 0,2")
    second.add_argument("--folds", type=numbers, default=None, help="these only")
    second.add_argument("--commit", default="", help="for the record")
    second.add_argument("--trial", action="store_true", help="one epoch of one step: own work folder")
    third = verbs.add_parser("report", help="the dated page from all finished fits")
    third.add_argument("--out", type=Path, required=True)
    fourth = verbs.add_parser(
        "costs", help="the dated page of what a round costs, from the arms deal5,deal20,dealall"
    )
    fourth.add_argument(
        "--slide", type=Path, help="to read patches from [a whole breast section of the data]"
    )
    fourth.add_argument("--out", type=Path, required=True)
    for verb in (first, second, third, fourth):
        verb.add_argument("--work", type=Path, required=True)
        source = Path(os.environ.get("WSIGRAPH_DATA", "../shared/data"))
        verb.add_argument("--source", type=Path, default=source, help="folder of the real data")
    return parser


if __name__ == "__main__":
    main()
