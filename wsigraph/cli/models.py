"""``wsigraph models``."""

from __future__ import annotations

from typing import Annotated

import typer

from wsigraph.cli import options
from wsigraph.cli.screen import emit, emit_json, emit_table


def models(
    json: options.Json = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the page of all methods, with equations and sources.")
    ] = False,
) -> None:
    """List the recipes and the parts they are made of."""
    if markdown:
        from wsigraph.pipelines.models_page import models_page

        emit(models_page().rstrip("\n"))
        return
    from wsigraph.pipelines.inventory import inventory

    found = inventory()
    if json:
        emit_json(found)
        return
    emit_table(
        ("recipe", "kind", "parameters", "what it is"),
        [(one["name"], one["kind"], f"{one['parameters']:,}", one["title"]) for one in found["recipes"]],
    )
    emit_table(("family", "parts"), [(family, ", ".join(names)) for family, names in found["parts"].items()])
