"""Bytes to values: JSON of any layout, torn files included, and times."""
