"""``python -m benchmarks.srmil_study {prepare,run,report}``: does SRMIL do what it claims?"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.arguments import names_of, numbers
from benchmarks.srmil_study.arms import ARMS
from benchmarks.srmil_study.cohorts import STUDIES


def main(given: list[str] | None = None) -> None:
    """Parse, call, print."""
    asked = _parser().parse_args(given)
    if asked.verb == "prepare":
        from benchmarks.srmil_study.prepare import prepare

        for name in asked.data:
            prepare(name, asked.source, asked.work)
    elif asked.verb == "run":
        from benchmarks.srmil_study.fits import Bench

        def listen(line: str) -> None:
            print(f"{datetime.now(UTC):%H:%M:%S} {line}", flush=True)

        study = STUDIES[asked.data]
        if asked.epochs:
            study = replace(study, settings={**study.settings, "optimiser.epochs": asked.epochs})
        bench = Bench(study, asked.work, commit=asked.commit, listen=listen)
        bench.run(asked.arms, asked.seeds, folds=asked.folds)
    else:
        from benchmarks.srmil_study.page import write_page

        print(write_page(asked.work, asked.out, name=asked.name))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.srmil_study", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    first = verbs.add_parser("prepare", help="features, manifests, truth")
    source = Path(os.environ.get("WSIGRAPH_DATA", "../shared/data"))
    first.add_argument("--source", type=Path, default=source, help="folder of the real data")
    first.add_argument("--data", type=names_of(tuple(STUDIES)), default=list(STUDIES))
    second = verbs.add_parser("run", help="train what is missing; can be stopped and called again")
    second.add_argument("--data", choices=tuple(STUDIES), required=True)
    second.add_argument("--arms", type=names_of(tuple(ARMS)), required=True, help="A,B,...")
    second.add_argument("--seeds", type=numbers, default=list(range(5)), help="0-4 or 0,2")
    second.add_argument("--folds", type=numbers, default=None, help="these only")
    second.add_argument("--epochs", type=int, default=0, help="other than the protocol: own work folder")
    second.add_argument("--commit", default="", help="for the record")
    third = verbs.add_parser("report", help="the dated page from all finished fits")
    third.add_argument("--out", type=Path, required=True)
    third.add_argument("--name", default="srmil_study", help="how the files begin, before the date")
    for verb in (first, second, third):
        verb.add_argument("--work", type=Path, required=True)
    return parser


if __name__ == "__main__":
    main()
