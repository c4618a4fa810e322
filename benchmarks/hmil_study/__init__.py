"""Does a label tree help? HMIL against flat cross-entropy on the same network, its terms left out one by one.

``python -m benchmarks.hmil_study --help``; protocol and reading in ``benchmarks/README.md``.
"""
