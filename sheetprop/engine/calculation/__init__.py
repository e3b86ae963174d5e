"""Running a workbook: what formulas read, in which order they run, and the ways of running them."""
