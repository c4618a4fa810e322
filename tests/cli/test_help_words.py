"""What options say of themselves reaches the screen: a word in brackets would be taken for markup."""

from __future__ import annotations

import re

import typer
from rich.text import Text

from wsigraph.cli.app import build


def test_no_word_of_an_option_is_lost_as_markup():
    verbs = typer.main.get_command(build()).commands
    told = {(verb, p.name): getattr(p, "help", None) or "" for verb in verbs for p in verbs[verb].params}
    lost = {place: text for place, text in told.items() if Text.from_markup(text).plain != text}
    assert len(told) > 50
    assert not lost


def test_the_rule_sees_a_word_that_is_lost():
    assert Text.from_markup("times [time].").plain != "times [time]."
    assert re.search(r"\[5; none", Text.from_markup("folds [5; none without]").plain)
