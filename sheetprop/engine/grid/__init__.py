"""What cells hold and where they stand: values, dates, number formats, columns in memory, operands of formulas."""
