"""SRMIL's step written plainly with PyTorch Geometric's layers: no arithmetic is shared, nothing is skipped.

The other side of the speed table, and an independent reference: tests hold ``srmil_code`` against it. It is
written from the equations (Wu et al. 2026, and the order of operations of the authors' code).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch_geometric.nn import GATConv


class Layer(nn.Module):
    """Feature dropout, PyG's attention, residual, norm, activation."""

    def __init__(self, width: int, head_channels: int, *, heads: int, residual: bool, plain: bool) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.11)
        self.conv = GATConv(width, head_channels, heads=heads, add_self_loops=False, dropout=0.15)
        self.shortcut = nn.Linear(width, heads * head_channels, bias=False) if residual else None
        self.after = nn.Identity()
        if not plain:
            self.after = nn.Sequential(nn.LayerNorm(heads * head_channels), nn.PReLU())

    def forward(self, x: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
        """Rows and the attention of each edge."""
        x = self.drop(x)
        out, (_, attention) = self.conv(x, edge_index, return_attention_weights=True)
        if self.shortcut is not None:
            out = out + self.shortcut(x)
        return self.after(out), attention


@dataclass(frozen=True)
class Sizes:
    """Widths of the published network."""

    in_channels: int
    num_classes: int
    heads: int = 4
    head_channels: int = 64


class NaiveSRMIL(nn.Module):
    """Three passes, each from the raw features on.

    Args:
        sizes: Widths.
        w_gen: Weight of the reconstruction.
        w_ce: Weight of the clean against the masked classification.
    """

    def __init__(self, sizes: Sizes, *, w_gen: float = 1.8, w_ce: float = 1.0) -> None:
        super().__init__()
        f, heads, head = sizes.in_channels, sizes.heads, sizes.head_channels
        width = heads * head
        self.heads, self.w_gen, self.w_ce = heads, w_gen, w_ce
        self.reformer = nn.Linear(f, f)
        self.encoder = nn.ModuleList([
            Layer(f, head, heads=heads, residual=True, plain=False),
            Layer(width, head, heads=heads, residual=False, plain=False),
        ])  # fmt: skip
        self.bridge = nn.Linear(width, width, bias=False)
        self.decoder = nn.ModuleList([
            Layer(width, head, heads=heads, residual=False, plain=False),
            Layer(width, f, heads=1, residual=False, plain=True),
        ])  # fmt: skip
        self.classify = nn.Sequential(
            nn.Linear(head, 128), nn.ReLU(), nn.Dropout(0.059), nn.Linear(128, sizes.num_classes)
        )
        self.mask_token = nn.Parameter(torch.randn(1, f) * 0.01)
        self.decoder_token = nn.Parameter(torch.randn(1, width) * 0.01)
        self.super_token = nn.Parameter(torch.randn(1, f) * 0.01)

    def forward(self, x: Tensor, edge_index: Tensor, mask: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Losses, logits and attention of one slide."""
        masked = torch.where(mask.unsqueeze(1), self.mask_token, x)
        embedding = self.encode(masked, edge_index)[0]
        rebuilt = self.decode(embedding, edge_index, mask)[mask]
        logits_masked, _ = self.classify_by_supernode(masked, edge_index)
        logits, attention = self.classify_by_supernode(x, edge_index)
        losses = {
            "ce": nn.functional.cross_entropy(logits, target),
            "ce_masked": nn.functional.cross_entropy(logits_masked, target),
            "reconstruction": (1 - nn.functional.cosine_similarity(rebuilt, x[mask])).mean(),
        }
        classified = (2 - self.w_ce) * losses["ce_masked"] + self.w_ce * losses["ce"]
        losses["total"] = (2 - self.w_gen) * classified + self.w_gen * losses["reconstruction"]
        return {
            **losses,
            "logits": logits,
            "logits_masked": logits_masked,
            "attention": attention,
            "embedding": embedding,
            "rebuilt": rebuilt,
        }

    def encode(self, x: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
        """Reformer and both layers."""
        x, _ = self.encoder[0](self.reformer(x), edge_index)
        return self.encoder[1](x, edge_index)

    def decode(self, embedding: Tensor, edge_index: Tensor, mask: Tensor) -> Tensor:
        """Features of every node."""
        hidden = torch.where(mask.unsqueeze(1), self.decoder_token, self.bridge(embedding))
        hidden, _ = self.decoder[0](hidden, edge_index)
        return self.decoder[1](hidden, edge_index)[0]

    def classify_by_supernode(self, x: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, and the attention of each patch into the supernode."""
        n = x.shape[0]
        nodes, hub = torch.arange(n, device=x.device), torch.full((n,), n, device=x.device)
        ends = torch.stack([torch.cat([nodes, hub]), torch.cat([hub, nodes])])
        rows, attention = self.encode(torch.cat([x, self.super_token]), torch.cat([edge_index, ends], dim=1))
        bag = rows[n].view(self.heads, -1).mean(0, keepdim=True)
        return self.classify(bag), attention[edge_index.shape[1] : edge_index.shape[1] + n]

    def predict(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Logits of the clean graph."""
        return self.classify_by_supernode(x, edge_index)[0]


NAMES = {
    "reformer": "model.encoder.linear",
    "encoder.0": "model.encoder.layers.0",
    "encoder.1": "model.encoder.layers.1",
    "bridge": "objectives.terms.reconstruction.bridge",
    "decoder.0": "objectives.terms.reconstruction.hidden",
    "decoder.1": "objectives.terms.reconstruction.last",
    "classify": "model.heads.bag.classify",
    "mask_token": "model.views.masked.token",
    "decoder_token": "objectives.terms.reconstruction.token",
    "super_token": "model.views.clean.token",
    ".conv.lin.weight": ".project.weight",
    ".conv.att_src": ".attend_src",
    ".conv.att_dst": ".attend_dst",
    ".conv.bias": ".bias",
    ".after.0.": ".norm.",
    ".after.1.": ".activation.",
}
"""Beginnings and endings of parameter names here -> in a trained ``srmil_code``."""


def our_name(name: str) -> str:
    """The same parameter's name in ``nn.ModuleDict(model=..., objectives=...)`` of ``srmil_code``."""
    for old, new in NAMES.items():
        if old.startswith("."):
            name = name.replace(old, new)
        elif name.startswith(old):
            name = new + name[len(old) :]
    return name


def training_step(model: NaiveSRMIL, x: Tensor, edge_index: Tensor) -> Callable[[], None]:
    """One step in train mode on one slide: 70 % masked, forward, backward, AdamW."""
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=1e-5)
    target, n = torch.tensor([1]), x.shape[0]

    def step() -> None:
        mask = torch.zeros(n, dtype=torch.bool)
        mask[torch.randperm(n)[: int(0.7 * n)]] = True
        optimiser.zero_grad()
        model(x, edge_index, mask, target)["total"].backward()
        optimiser.step()

    return step
