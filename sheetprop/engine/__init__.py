"""A workbook is a program: read it, compile it, run it, differentiate it, write values back. Knows no network."""
