"""Published methods, each a page: one function returns a recipe."""
