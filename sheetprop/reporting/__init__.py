"""The report: a workbook and a run record as one document in HTML, PDF and Markdown."""
