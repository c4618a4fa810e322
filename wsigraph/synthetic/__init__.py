"""Cohorts with a known answer. Everything made here is synthetic and says so."""
