"""The file on disk: the zip package, the XML of its parts, reading cells from it and writing values back into it."""
