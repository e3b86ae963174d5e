"""A workbook as a function: the cells between inputs and outputs as expressions, and code made from them."""
