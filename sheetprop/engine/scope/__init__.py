"""What a formula sees of the workbook around it: sheets, names, settings, hidden rows."""
