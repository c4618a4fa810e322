"""A grid of cohorts, recipes, controls, seeds and folds: every cell trained once, kept, and compared."""

from wsigraph.pipelines.benchmark.grid import Shard
from wsigraph.pipelines.benchmark.plan import BenchmarkPlan, Contest
from wsigraph.pipelines.benchmark.results import read_results
from wsigraph.pipelines.benchmark.run import BenchmarkResult, run_benchmark

__all__ = ["BenchmarkPlan", "BenchmarkResult", "Contest", "Shard", "read_results", "run_benchmark"]
