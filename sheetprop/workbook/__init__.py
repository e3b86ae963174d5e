"""The workbook: where each equation stands, and every sheet that is drawn around it."""
