"""The pool of an epoch: each patch once, called by what is known of it; several classes; reading by slide."""

from __future__ import annotations

import numpy as np

from wsigraph.data.label_tree import LabelTree
from wsigraph.training.mining.all_classes import PatchScores, mine_epoch, nearest_groups
from wsigraph.training.mining.pool import by_slide, pool_of, union
from wsigraph.training.mining.settings import mine_settings

ALL = mine_settings("hnm", {"rounds": 2, "epochs_per_round": 5, "ratio": 0.25})


def found(labels, *, classes, background, num_classes, seed=0, size=40):
    rng = np.random.default_rng(seed)
    scores = tuple(rng.random((size, len(classes))).astype(np.float32) for _ in labels)
    names = tuple(f"s{i}" for i in range(len(labels)))
    return PatchScores(names, tuple(labels), scores, tuple(classes), background, num_classes)


def test_two_classes_are_positives_and_background():
    given = found([1, 0, 0, 1, -1], classes=[1], background=0, num_classes=2)
    pool, mined = mine_epoch(given, ALL, epoch=0, seed=3)
    first, hard = slice(0, pool.positives), slice(pool.positives, None)
    assert set(pool.label[first].tolist()) == {1}
    assert set(pool.label[hard].tolist()) == {0}
    assert set(pool.slide[first].tolist()) <= {0, 3}
    assert set(pool.slide[hard].tolist()) <= {1, 2}
    flat = [(given.scores[s][p, 0], s, p) for s in (1, 2) for p in range(40)]
    wanted = {(s, p) for _, s, p in sorted(flat)[-20:]}
    assert set(zip(pool.slide[hard].tolist(), pool.patch[hard].tolist(), strict=True)) == wanted
    assert list(mined) == [1]
    assert mined[1].record.hard == 20


def test_without_a_background_a_hard_negative_has_a_name_of_its_own():
    given = found([0, 1, 2], classes=[0, 1, 2], background=None, num_classes=3)
    pool, mined = mine_epoch(given, ALL, epoch=0, seed=0)
    first, hard = pool.label[: pool.positives], pool.label[pool.positives :]
    assert set(first.tolist()) == {0, 1, 2}
    assert all(c == given.labels[s] for c, s in zip(first, pool.slide, strict=False))
    assert (hard >= 3).all()
    assert len(set(hard.tolist())) == len(hard)
    assert len(np.unique(pool.keys)) == len(pool)
    positives = {(s, p) for c in mined for s, p in pairs(mined[c].positives)}
    negatives = {(s, p) for c in mined for s, p in pairs(mined[c].negatives)}
    assert set(pairs(pool)) == positives | negatives
    assert pool.positives == len(positives)
    assert positives & negatives  # such patches stay what their own slide says of them


def test_with_a_background_only_patches_of_other_classes_have_one():
    given = found([0, 1, 2], classes=[1, 2], background=0, num_classes=3)
    pool, _ = mine_epoch(given, ALL, epoch=0, seed=0)
    hard = slice(pool.positives, None)
    of_background = pool.slide[hard] == 0
    assert (pool.label[hard][of_background] == 0).all()
    assert (pool.label[hard][~of_background] >= 3).all()


def test_a_class_without_slides_is_not_mined():
    given = found([0, 1, 1], classes=[1, 2], background=0, num_classes=3)
    _, mined = mine_epoch(given, ALL, epoch=0, seed=0)
    assert list(mined) == [1]


TREE = LabelTree(("g", "c"), (("x", "y"), ("a", "b", "c", "d")), ((0, 0, 1, 1),))


def test_siblings_in_the_tree_come_first():
    assert nearest_groups(TREE, 1, 0) == [[1], [2, 3]]
    assert nearest_groups(TREE, 0, 1) == [[0]]
    given = found([0, 1, 2, 3], classes=[0, 1, 2, 3], background=None, num_classes=4)
    _, near = mine_epoch(given, ALL, epoch=0, seed=0, tree=TREE, level=1)
    _, plain = mine_epoch(given, ALL, epoch=0, seed=0)
    share = [(one[0].negatives.slide == 1).sum() for one in (near, plain)]
    assert share[0] == 20  # its share times the reach of 2
    assert share[0] > share[1]
    assert len(near[0].negatives) == len(plain[0].negatives)


def test_an_epoch_is_a_function_of_scores_epoch_and_seed():
    given = found([1, 0, 1], classes=[1], background=0, num_classes=2)
    again = mine_epoch(given, ALL, epoch=7, seed=3)[0]
    assert again.digest == mine_epoch(given, ALL, epoch=7, seed=3)[0].digest
    earlier = mine_epoch(given, ALL, epoch=5, seed=3)[0]
    assert earlier.digest != again.digest
    assert earlier.positives < again.positives
    assert set(earlier.keys[: earlier.positives]) <= set(again.keys[: again.positives])


def test_rows_are_read_slide_by_slide_each_once():
    given = found([1, 0, 1, 0], classes=[1], background=0, num_classes=2)
    pools = [mine_epoch(given, ALL, epoch=e, seed=3)[0] for e in range(5, 10)]
    keys = union(pools)
    assert len(keys) == len({key for pool in pools for key in pool.keys.tolist()})
    read = [(slide, row) for slide, rows in by_slide(keys) for row in rows.tolist()]
    assert read == sorted({pair for pool in pools for pair in pairs(pool)})
    for pool in pools:
        assert (keys[np.searchsorted(keys, pool.keys)] == pool.keys).all()


def test_nothing_mined_is_an_empty_pool():
    low = PatchScores(("a", "b"), (1, 0), (np.zeros((3, 1), np.float32),) * 2, (1,), 0, 2)
    pool, mined = mine_epoch(low, ALL, epoch=0, seed=0)
    assert pool.positives == 0
    assert len(pool) == 1  # a quarter of three, rounded up: one of those that tie at 0
    assert pool_of(mined, low.labels, background=0, num_classes=2).digest == pool.digest


def pairs(chosen):
    return list(zip(chosen.slide.tolist(), chosen.patch.tolist(), strict=True))
