"""The colours and the drawings' font of the report, in one place: Okabe and Ito's for lines, few others."""

from __future__ import annotations

INK, MUTED, RULE, PAPER = "#1f2933", "#5f6b7a", "#c9d1da", "#ffffff"
ACCENT, ALARM = "#0b5394", "#b3261e"

# Okabe and Ito's colours, darkest first, each with a dash of its own so that they part in grey print too.
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8c6d00", "#56b4e9", "#5d3a9b", "#4a4a4a")
DASHES = ("-", (0, (6, 2)), (0, (2, 1.4)), (0, (7, 2, 1.5, 2)), (0, (4, 1.5, 1.5, 1.5, 1.5, 1.5)), (0, (10, 3)),
          (0, (1, 1)), (0, (5, 4)))

# The groups of quantities, as in the workbook.
GROUPS = {
    "input": "#fff3c4", "target": "#ffe3b8", "parameter": "#d9eed3", "forward": "#d6e6f7", "error": "#fbd9d3",
    "backward": "#e6daf2",
}

FAMILY = "'Source Sans Pro', 'DejaVu Sans', 'Helvetica Neue', Arial, sans-serif"
"""The fonts that text in drawings asks for, in this order."""
