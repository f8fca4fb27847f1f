"""Spans of any tracing convention: read into one value, told apart by kind, put into runs."""
