"""Self-contained HTML pages: one file that can be mailed, opened without a network and printed."""
