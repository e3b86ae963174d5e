"""Other people's programs, at arm's length: they evaluate the same file, we compare."""
