"""Modules of PyTorch as plain programs, with a formula and an adjoint for every operation; no spreadsheets."""
