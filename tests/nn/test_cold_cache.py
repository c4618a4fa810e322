"""A process that compiles the loops and one that reads them from the cache compute the same, bit for bit."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

WORK = """
import hashlib
import torch
from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.encoders.gat import GAT
from wsigraph.nn.kernels import numba_variants
from wsigraph.nn.layers.mamba import MambaBlock

numba_variants.PARALLEL_FROM = 0  # threads wherever there are two
torch.manual_seed(0)
edges = torch.randint(900, (2, 9000))
adjacency, x = Adjacency.of(edges, 900), torch.randn(900, 32)
digest = hashlib.sha256()
encoder = GAT(32, hidden_channels=64).train()
encoder(x, adjacency).square().sum().backward()
block = MambaBlock(48)
block(x[:300].repeat(1, 2)[:, :48]).square().sum().backward()
for p in (*encoder.parameters(), *block.parameters()):
    digest.update(p.grad.numpy().tobytes())
print(digest.hexdigest())
"""


@pytest.mark.slow
@pytest.mark.parametrize("threads", ["1", "2"], ids=["in sequence", "over threads"])
def test_compiling_and_reading_the_cache_give_the_same_bits(threads, tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "OMP_NUM_THREADS": threads}
    answers = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", WORK],
            env=environment, capture_output=True, text=True, check=True,
        ).stdout
        for _ in range(2)
    ]  # fmt: skip
    assert any(tmp_path.rglob("*.nbc")), "nothing was cached"
    assert answers[0] == answers[1]
