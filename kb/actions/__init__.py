"""Actions of records, the gates they hold shut, and the trackers that mirror them.

`action` is one promise with its dates, `history` when each landed in Git, `edit` closes one in its
file; `gate` decides, `gate_context` and `gate_unparsed` are what could hide a condition from it.
"""
