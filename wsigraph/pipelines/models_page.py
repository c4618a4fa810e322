"""The page of all methods, ``docs/models.md``, from the registry."""

from __future__ import annotations

from typing import Any

from wsigraph.data.tasks.base import Task
from wsigraph.pipelines.inventory import WIDTH, inventory

_HEAD = f"""# Models

Every published method here by name: `wsigraph train MANIFEST --recipe NAME`. This page is written by
`wsigraph models --markdown > docs/models.md`. Parameters are those of the network for {WIDTH} channels and
two classes, without what only the loss uses. `set`: edges are not read; `graph`: they are. Tasks are
`--task`'s; `all` are """


def models_page() -> str:
    """Markdown: a table of the recipes, then equation, source and differences of each, then the parts."""
    found = inventory()
    known = Task.registry.names()
    published = [one for one in found["recipes"] if one["kind"] != "own"]
    lines = [
        f"{_HEAD}{', '.join(known)}.\n",
        "| recipe | kind | tasks | parameters | what it is |",
        "|---|---|---|---:|---|",
    ]
    for one in published:
        name = one["name"]
        tasks = "all" if one["tasks"] == known else ", ".join(one["tasks"])
        lines.append(
            f"| [`{name}`](#{name}) | {one['kind']} | {tasks} | {one['parameters']:,} | {one['title']} |"
        )
    lines.append("")
    for one in published:
        lines += _section(one)
    lines += ["## Parts", "", "What recipes are made of; options are the arguments of each part's class.", ""]
    lines += ["| family | parts |", "|---|---|"]
    for family, names in found["parts"].items():
        lines.append(f"| {family} | {', '.join(f'`{name}`' for name in names)} |")
    return "\n".join([*lines, ""])


def _section(one: dict[str, Any]) -> list[str]:
    lines = [f"## {one['name']}", "", f"{one['title']}.", "", f"$${one['equation']}$$", ""]
    facts = {
        "Source": one["source"],
        "Differs": one["differs"] or "nothing known.",
        "Order of the patches matters": one["order_matters"],
        "Not exported": one["not_exported"],
    }
    lines += [f"- {what}: {text}" for what, text in facts.items() if text]
    return [*lines, f"- Cite: `wsigraph cite {one['name']}`", ""]
