"""Conformance kit: the checks every registered part meets, shipped so that a new part is tested in two lines.

``check_aggregator(MaxPool)`` builds the part, tries it on small batches of slides and raises
``AssertionError`` with a sentence that names the part and the first property it lacks.
"""

from wsigraph.testing.aggregators import check_aggregator
from wsigraph.testing.encoders import check_encoder
from wsigraph.testing.graph_builders import check_graph_builder
from wsigraph.testing.heads import check_head
from wsigraph.testing.objectives import check_objective
from wsigraph.testing.patch_encoders import check_patch_encoder
from wsigraph.testing.public_cohorts import check_public_cohort
from wsigraph.testing.recipes import check_recipe
from wsigraph.testing.samplers import check_sampler
from wsigraph.testing.views import check_view

__all__ = [
    "check_aggregator",
    "check_encoder",
    "check_graph_builder",
    "check_head",
    "check_objective",
    "check_patch_encoder",
    "check_public_cohort",
    "check_recipe",
    "check_sampler",
    "check_view",
]
