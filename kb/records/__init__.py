"""Postmortems: the form as data, text to `Document`, `Document` to `Postmortem`."""
