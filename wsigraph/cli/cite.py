"""``wsigraph cite``."""

from __future__ import annotations

from typing import Annotated

import typer

from wsigraph.cli import options
from wsigraph.cli.screen import emit, emit_json


def cite(
    recipe: Annotated[str, typer.Argument(help="A recipe, see 'wsigraph models'.")],
    json: options.Json = False,
) -> None:
    """Print the BibTeX of the method that a recipe builds."""
    from wsigraph.training.catalog import citation

    bibtex = citation(recipe)
    if json:
        emit_json({"recipe": recipe, "bibtex": bibtex})
    else:
        emit(bibtex)
