"""Books of modules: where each block stands, its formulas as text, the sheets around them."""
