"""Does SRMIL do what it claims? Nuclei as nodes, its parts switched off one by one, on two real cohorts.

``python -m benchmarks.srmil_study --help``; protocol and reading in ``benchmarks/README.md``.
"""
