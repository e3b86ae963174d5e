"""The numbers of a workbook held against PyTorch."""
