"""An exported model answers as the model does where neither wsigraph nor PyG can be imported."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

import wsigraph as wg
from wsigraph.cli.app import run
from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.errors import RecipeError, RunError
from wsigraph.graph.self_loops import with_self_loops
from wsigraph.models.mil_model import MILModel
from wsigraph.nn.aggregators.mean import Mean
from wsigraph.pipelines.export import export_model
from wsigraph.pipelines.trained import TrainedModel, load_model
from wsigraph.training.recipe import recipe

ELSEWHERE = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("wsigraph", "torch_geometric", "torch_scatter", "numba", "lightning"):
            raise ImportError(f"{name} is not installed here")

sys.meta_path.insert(0, Blocked())
import torch
try:
    import wsigraph
    sys.exit("wsigraph could be imported")
except ImportError:
    pass
program, slides, answers = sys.argv[1:]
facts = {"wsigraph.json": ""}
module = torch.export.load(program, extra_files=facts).module()
torch.save([module(x, edges) for x, edges in torch.load(slides)], answers)
print(facts["wsigraph.json"])
"""
SIZES = [(11, 40), (1, 0), (2, 1), (5, 0), (300, 2400), (7, 3)]
"""Patches and edges; the first is near what was traced."""


def trained(name, **changes):
    """A model whose weights and statistics are far from their start."""
    method = recipe(name, in_channels=6, classes=["a", "b", "c"])
    method = method.with_settings({key.replace("__", "."): value for key, value in changes.items()})
    model, _ = method.build(seed=1)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
        if method.standardise:
            model.standardise.set_statistics(torch.randn(6) * 3, torch.rand(6) + 0.5)
    return TrainedModel(method, (model.eval(),))


def slides():
    """Unsorted directed edges, none twice, some from a patch to itself."""
    generator = torch.Generator().manual_seed(0)
    for num_nodes, num_edges in SIZES:
        cells = torch.randperm(num_nodes**2, generator=generator)[:num_edges]
        yield (
            torch.randn(num_nodes, 6, generator=generator) * 2,
            torch.stack([cells // num_nodes, cells % num_nodes]),
        )


def answers_elsewhere(program, folder):
    made = list(slides())
    torch.save(made, folder / "slides.pt")
    places = [str(program), str(folder / "slides.pt"), str(folder / "answers.pt")]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ELSEWHERE, *places],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return made, torch.load(folder / "answers.pt"), json.loads(done.stdout)


def assert_answers_as(one, made, answers):
    for (x, edges), answer in zip(made, answers, strict=True):
        graph = SpatialGraph(x, edges, pos=torch.zeros(len(x), 2))
        graph = with_self_loops(graph) if one.recipe.self_loops else graph
        with torch.no_grad():
            head = one.networks[0](graph).head("bag")
        close = {"rtol": 0, "atol": 1e-5}
        torch.testing.assert_close(answer["logits"], head.logits[0], **close)
        torch.testing.assert_close(answer["probabilities"], head.logits[0].softmax(-1), **close)
        if head.attention is None:
            assert "attention" not in answer
        else:
            torch.testing.assert_close(answer["attention"], head.attention, **close)


@pytest.mark.parametrize("name", ["srmil", "srmil_code", "abmil"])  # the kit traces every recipe
def test_a_recipe_answers_alike_without_wsigraph(name, tmp_path):
    one = trained(name)
    facts = export_model(one, tmp_path / "model.pt2")
    made, answers, told = answers_elsewhere(tmp_path / "model.pt2", tmp_path)
    assert_answers_as(one, made, answers)
    assert told == facts
    assert told["classes"] == ["a", "b", "c"]
    assert wg.Recipe.from_dict(told["recipe"]) == one.recipe


def run_here(program):
    module = torch.export.load(program).module()
    made = list(slides())
    return made, [module(x, edges) for x, edges in made]


@pytest.mark.parametrize("encoder", ["gcn", "gin", "sage", "gatv2"])
@pytest.mark.parametrize("name", ["srmil", "srmil_code"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_other_encoders(encoder, name, tmp_path):
    one = trained(name, encoder={"name": encoder, "hidden_channels": 16})
    export_model(one, tmp_path / "model.pt2")
    assert_answers_as(one, *run_here(tmp_path / "model.pt2"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_without_self_loops_and_with_a_pool_without_attention(tmp_path):
    one = trained("srmil", self_loops=False, heads__bag__aggregator={"name": "mean"})
    facts = export_model(one, tmp_path / "model.pt2")
    assert facts["outputs"] == ["probabilities", "logits"]
    assert not facts["adds_self_loops"]
    assert_answers_as(one, *run_here(tmp_path / "model.pt2"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_finished_fold_from_the_command_line(finished, tmp_path, capsys):
    out = tmp_path / "model.pt2"
    assert run(["export", str(finished / "fold_0"), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["classes"] == ["clustered", "scattered"]
    assert told["recipe"]["features"]["encoder"] == "synthetic"
    model = load_model(finished / "fold_0")
    x = torch.randn(9, 8)
    edges = torch.tensor([[0, 1, 5], [1, 0, 2]])
    answer = torch.export.load(out).module()(x, edges)
    graph = SpatialGraph(x, edges, pos=torch.zeros(9, 2), slide_id="s")
    torch.testing.assert_close(answer["probabilities"], model.answer(graph).probabilities, rtol=0, atol=1e-5)


def test_what_cannot_be_exported_is_refused(finished, tmp_path):
    with pytest.raises(RunError, match=r"expected one network, got 2\. Give one fold"):
        wg.export_model(finished, tmp_path / "model.pt2")
    with pytest.raises(RunError, match=r"ends in \.pt2"):
        export_model(finished / "fold_0", tmp_path / "model.onnx")
    masked = trained("srmil", predict_view="masked")
    with pytest.raises(RecipeError, match="view 'masked'"):
        export_model(masked, tmp_path / "model.pt2")
    with pytest.raises(RecipeError, match="expected a head that answers, got none"):
        export_model(trained("srmil_pretrain"), tmp_path / "model.pt2")
    assert not list(tmp_path.iterdir())


class AsksTheNumbers(Mean, name=None):
    def forward(self, x, bags):
        return super().forward(x if bool((x > 0).any()) else -x, bags)


class ForgetsHowToCount(Mean, name=None):
    def forward(self, x, bags):
        pooled = super().forward(x, bags)
        return type(pooled)(pooled.embedding * (11 if torch.compiler.is_exporting() else x.shape[0]))


@pytest.mark.parametrize(
    ("pool", "error", "sentence"),
    [
        (AsksTheNumbers, RecipeError, "expected parts that torch.export can trace, got"),
        (
            ForgetsHowToCount,
            RunError,
            "expected the model's probabilities within 0.0001, got a difference of",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_part_that_would_answer_otherwise_is_refused(pool, error, sentence, tmp_path):
    one = trained("srmil", heads__bag__aggregator={"name": "mean"})
    network: MILModel = one.networks[0]
    network.heads["bag"].aggregator = pool(256)
    with pytest.raises(error, match=sentence):
        export_model(one, tmp_path / "model.pt2")
    assert not list(tmp_path.iterdir())
