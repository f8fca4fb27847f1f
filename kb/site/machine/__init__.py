"""Copies for machines: feed, JSON and CSV, link previews, the list of sources."""
