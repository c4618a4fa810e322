"""Views: which rows of a slide a pass sees replaced, one file each."""
