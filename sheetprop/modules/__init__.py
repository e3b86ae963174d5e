"""Modules of PyTorch as plain programs: captured, with a formula and an adjoint for every operation; no spreadsheets."""
