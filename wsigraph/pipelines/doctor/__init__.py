"""Look over an installation and a cohort before hours are spent on them: machine, files, manifest."""

from wsigraph.pipelines.doctor.fault import Checkup, Fault, Group
from wsigraph.pipelines.doctor.files import examine_files
from wsigraph.pipelines.doctor.manifest import examine_manifest

__all__ = ["Checkup", "Fault", "Group", "examine_files", "examine_manifest"]
