"""The verification: do the numbers and the formulas of a workbook agree with PyTorch?"""
