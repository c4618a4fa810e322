"""MambaMIL: selective state spaces along two orders of the patches."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.set_recipe import set_recipe

BIBTEX = """@inproceedings{yang2024mambamil,
  title     = {{MambaMIL}: Enhancing Long Sequence Modeling with Sequence Reordering
               in Computational Pathology},
  author    = {Yang, Shu and Wang, Yihui and Chen, Hao},
  booktitle = {Medical Image Computing and Computer Assisted Intervention (MICCAI)},
  year      = {2024},
  note      = {arXiv:2403.06800}
}"""
"""How to cite it."""


@published(
    kind="set",
    title="Selective state spaces along the patches in raster order and along every tenth of them",
    equation=r"h_t = e^{\Delta_t A} \odot h_{t-1} + \Delta_t u_t B_t^\top, \quad y_t = h_t C_t"
    r" \ \mathrm{in\ both\ orders}, \quad y = W \sum_i a_i x_i",
    bibtex=BIBTEX,
    not_exported="patches are put in raster order, and an exported program is given no positions",
)
def mambamil(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Embed each patch, run two reordering Mamba blocks along them, pool by attention, classify.

    This is the variant with sequence reordering (SR-Mamba), in plain torch.

    Source: Yang et al. 2024, and the authors' code (commit 79a67eb). Differs: patches in raster order instead
    of the file's; no zero rows fill the reordered sequence; weights start as torch draws them and steps as
    Mamba's do, which the authors' code overwrites; AdamW with a cosine at the authors' 2e-5.
    """
    return set_recipe(
        "mambamil",
        in_channels=in_channels,
        classes=classes,
        encoder={"name": "sr_mamba", "hidden_channels": 512, "num_layers": 2, "stride": 10, "states": 16},
        head={
            "name": "bag",
            "aggregator": {"name": "attention", "hidden_channels": 128},
            "hidden_channels": 0,
        },
        terms={"ce": {"name": "cross_entropy"}},
        optimiser={"lr": 2e-5},
    )
