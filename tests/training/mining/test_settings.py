"""Settings of mining: the paper's numbers, those of other loops, changes by name, refusals."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from wsigraph.errors import RecipeError
from wsigraph.nn.patch_networks.adapter import Adapter
from wsigraph.nn.patch_networks.resnet import PatchResNet
from wsigraph.training.mining.settings import MineSettings, mine_settings


def test_the_defaults_are_the_papers_numbers():
    one = mine_settings("hnm")
    assert (one.ratio, one.floor, one.share, one.share_end, one.warmup) == (0.05, 0.3, 0.2, 0.8, 5)
    assert (one.batch, one.positive_share, one.temperature, one.lr) == (512, 0.2, 0.07, 0.01)
    assert (one.epochs_per_round, one.epochs) == (5, 20)
    assert one == mine_settings("a recipe of one's own")
    rules = one.rules
    assert [rules.ratio.at(e, 20) for e in (0, 19)] == [0.05, 0.05]
    assert (rules.share.start, rules.share.end, rules.warmup) == (0.2, 0.8, 5)


def test_other_loops_differ_in_what_they_are_named_for():
    assert mine_settings("hnm_code").ratio == 0.2
    every = mine_settings("its2clr")
    assert every.rules.ratio.at(3, 20) == 1.0
    assert mine_settings("its2clr", {"ratio": 0.5}).ratio == 0.5


def test_settings_change_by_name_and_make_the_round_trip():
    changed = mine_settings(
        "hnm", {"rounds": "2", "network": "resnet18", "network.width": "4", "ratio_end": 0.2}
    )
    assert changed.network.options == {"width": 4}
    made = changed.make_network(48)
    assert isinstance(made, PatchResNet)
    assert made.out_channels == 32
    assert MineSettings.of(changed.model_dump(mode="json")) == changed
    assert changed.with_changes({"network": "timm:resnet10t"}).network.options == {"model": "resnet10t"}
    assert isinstance(MineSettings().make_network(6), Adapter)
    with pytest.raises(ValidationError, match="frozen"):
        changed.rounds = 3  # frozen


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"round": 2}, "round: Extra inputs are not permitted"),
        ({"rounds": 1}, "a warm-up below all 5 epochs is needed, got 5"),
        ({"ratio": 0}, "ratio is a share above 0 and up to 1, got 0"),
        ({"ratio_end": 1.5}, "ratio_end is a share above 0 and up to 1, got 1.5"),
        ({"ratio": "all", "ratio_end": 0.2}, "ratio 'all' does not move"),
        ({"rounds.x": 2}, "expected a setting that has options, as 'network' has, got 'rounds.x'"),
    ],
)
def test_what_cannot_be_is_refused(changes, sentence):
    with pytest.raises(RecipeError, match=sentence):
        mine_settings("hnm", changes)


def test_a_network_that_is_none_is_refused():
    with pytest.raises(RecipeError, match="patch network"):
        mine_settings("hnm", {"network": "adaptor"}).make_network(6)
    with pytest.raises(RecipeError, match="options among"):
        mine_settings("hnm", {"network.depth": 3}).make_network(6)
