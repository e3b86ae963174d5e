"""What a user does with an open workbook from Python: read and set cells, explain them, seek goals, try scenarios."""
