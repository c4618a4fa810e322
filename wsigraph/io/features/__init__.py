"""Feature files: our writer, a guarded reader, one file per layout."""
