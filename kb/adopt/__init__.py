"""Existing postmortems become searchable records of `form: adopted`; nothing is guessed."""
