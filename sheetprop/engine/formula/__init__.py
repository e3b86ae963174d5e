"""Formula text as trees: addresses, precedence, what may be named, and back to text. Knows no file and no value."""
