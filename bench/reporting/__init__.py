"""Outcomes for a reader: written, read and drawn. Nothing is measured here.

record.py     outcomes as JSON, in pytest-benchmark's format
text.py       an outcome as plain text
markdown.py   a record as Markdown
charts.py     outcomes as pictures
"""
