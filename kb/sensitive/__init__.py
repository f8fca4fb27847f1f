"""Secrets and personal data in a text, found by their shape.

Texts in, places out: nothing here reads a file. The checks of records and the importers of
traces ask the same functions, so that what one takes out the other does not miss.
"""
