"""Public cohorts: one file per data set, known by name."""
