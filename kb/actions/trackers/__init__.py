"""Actions as tickets of the tracker a team works in, and the tickets' state back in the records.

Begin with `sync`: one ticket an action, whatever happens on the way. `http_client` knows which
answers leave the outcome of a write open, `ticket_journal` remembers what was begun, `registry`
lists the trackers, one file each. Tokens come from the environment and are never printed.
"""
