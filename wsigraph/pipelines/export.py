"""A trained model as a program that torch runs without wsigraph."""

from __future__ import annotations

import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.errors import RecipeError, RunError, expected
from wsigraph.graph.self_loops import with_self_loops
from wsigraph.io.exported import write_program
from wsigraph.models.exportable import Exportable
from wsigraph.nn.standardise import Standardise
from wsigraph.pipelines.trained import TrainedModel, load_model

TOLERANCE = 1e-4
"""How far the program's probabilities may be from the model's on a made-up slide."""


def export_model(model: str | Path | TrainedModel, out: str | Path) -> dict[str, Any]:
    """Write ``out`` (``.pt2``): from features and edges to probabilities, standardisation included.

    The program takes ``x`` ``[N, in_channels]`` float32 and ``edge_index`` ``[2, E]`` int64 (row 0 source ->
    row 1 target, in any order, with or without loops: the program adds those the recipe wants), for any
    N >= 1 and E >= 0. It gives a dictionary: ``probabilities`` ``[K]``, ``logits`` ``[K]`` and, where the
    method has it, ``attention`` ``[N, H]``. Elsewhere::

        facts = {"wsigraph.json": ""}
        program = torch.export.load("model.pt2", extra_files=facts).module()
        answer = program(x, edge_index)

    The facts hold class names, recipe and graph builder; the edges must be built as the builder says. It is
    one program for one device, the CPU (``torch.export.passes.move_to_device_pass`` moves it).

    Args:
        model: A folder of one trained model (``runs/a/fold_0``), or the model itself.
        out: The file to write.

    Returns: The facts.
    Raises: RunError: if the run holds several networks, or the program does not answer as the model does.
        RecipeError: if a part cannot be traced.
    """
    trained = model if isinstance(model, TrainedModel) else load_model(model)
    if len(trained.networks) != 1:
        raise RunError(
            expected(
                f"Export of '{model}'" if isinstance(model, str | Path) else "Export",
                "one network",
                f"{len(trained.networks)}",
                todo="Give one fold: RUN/fold_0.",
            )
        )
    x, edge_index = _slide(trained, num_nodes=11)
    _refuse_other_tasks(trained)
    program = _trace(trained, x, edge_index)
    _check(trained, program)
    facts = _facts(trained, outputs=list(program.module()(x, edge_index)))
    write_program(out, program, facts)
    return facts


def _refuse_other_tasks(trained: TrainedModel) -> None:
    """The program ends in a softmax, of a label tree in that of the finest level."""
    task = trained.recipe.make_task()
    if not task.one_class and task.label_tree is None:
        raise RecipeError(
            expected(f"Export of recipe '{trained.recipe.name}'", "a task of classes", f"task '{task.name}'")
        )


def _facts(trained: TrainedModel, *, outputs: list[str]) -> dict[str, Any]:
    recipe = trained.recipe
    return {
        "classes": list(recipe.classes),
        "in_channels": recipe.in_channels,
        "inputs": ["x [N, in_channels] float32", "edge_index [2, E] int64, source -> target"],
        "outputs": outputs,
        "adds_self_loops": recipe.self_loops,
        "recipe": recipe.to_dict(),
        "wsigraph": version("wsigraph"),
    }


def _trace(trained: TrainedModel, x: Tensor, edge_index: Tensor) -> torch.export.ExportedProgram:
    recipe = trained.recipe
    exportable = Exportable(trained.networks[0], self_loops=recipe.self_loops).eval()
    sizes = {
        "x": {0: torch.export.Dim("num_patches", min=0)},
        "edge_index": {1: torch.export.Dim("num_edges", min=0)},
    }
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="torch")
            return torch.export.export(exportable, (x, edge_index), dynamic_shapes=sizes, strict=False)
    except RuntimeError as error:  # every refusal of torch.export is one
        reason = str(error).strip().splitlines()[0]
        raise RecipeError(
            expected(f"Export of recipe '{recipe.name}'", "parts that torch.export can trace", reason)
        ) from error


@torch.no_grad()
def _check(trained: TrainedModel, program: torch.export.ExportedProgram) -> None:
    """On slides of another size than the traced one, the program must say what the model says."""
    run = program.module()
    for num_nodes in (1, 60):
        x, edge_index = _slide(trained, num_nodes=num_nodes)
        graph = SpatialGraph(x, edge_index, pos=torch.zeros(num_nodes, 2))
        graph = with_self_loops(graph) if trained.recipe.self_loops else graph
        network = trained.networks[0]
        want = network(graph).head(next(iter(network.heads))).logits.softmax(-1)[0]
        got = run(x, edge_index)["probabilities"]
        worst = float((got - want).abs().max())
        if not worst <= TOLERANCE:
            raise RunError(
                expected(
                    f"Exported recipe '{trained.recipe.name}'",
                    f"the model's probabilities within {TOLERANCE}",
                    f"a difference of {worst:.2g} on a slide of {num_nodes} patches",
                )
            )


def _slide(trained: TrainedModel, *, num_nodes: int) -> tuple[Tensor, Tensor]:
    """Made-up features on the scale of the training slides; a ring with steps of one and two, no loops."""
    generator = torch.Generator().manual_seed(num_nodes)
    x = torch.randn(num_nodes, trained.recipe.in_channels, generator=generator)
    scale = trained.networks[0].standardise
    if isinstance(scale, Standardise):
        x = x * scale.std + scale.mean
    nodes = torch.arange(num_nodes)
    edges = torch.cat([torch.stack([nodes, (nodes + step) % num_nodes]) for step in (1, 2)], 1)
    edges = torch.cat([edges, edges.flip(0)], 1)
    return x, torch.unique(edges[:, edges[0] != edges[1]], dim=1)
