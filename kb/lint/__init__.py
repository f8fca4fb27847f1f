"""Faults of records: rules, fixes, and reports of what they find."""
