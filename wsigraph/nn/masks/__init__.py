"""Masks: which patches of a slide are hidden, one draw per file."""
