"""Names that stand in the workbook: sheets, and the constants of the check."""

from __future__ import annotations

START, PARAMETERS, STEPS, DIAGRAM, COMPARE, CHECK = "Start", "Parameters", "Steps", "Diagram", "Compare", "Check"

CHART_DATA = "Chart data"
"""The sheet that the charts of a long run read: every so many of its iterations."""

STEP, CHOSEN, RELATIVE, ROUNDING = "step", "chosen iteration", "relative tolerance", "rounding"
CHECK_CONSTANTS = (STEP, CHOSEN, RELATIVE, ROUNDING)

HALVED = "halved"
VERDICT = "✓ "
"""Begins the symbol of the column that judges the blank column of an exercise to its left."""
