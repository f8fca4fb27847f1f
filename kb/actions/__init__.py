"""Actions of records, the gates they hold shut, and the trackers that mirror them.

`action` is one promise with its dates, `history` when each landed in Git, `edit` closes one in its
file; `gate` decides, `gate_context` reads what it needs beside the records, `gate_unparsed` finds
what could hide a condition from it, `route_names` compares the names of routes.
"""
