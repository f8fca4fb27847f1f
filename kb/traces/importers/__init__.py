"""Trace formats: one module and one row of `registry` each."""
