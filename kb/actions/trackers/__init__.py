"""Promises in the tracker a team works in: there and back.

Begin with `sync.py`: one ticket an action, whatever happens on the way. `client.py` speaks HTTP and
knows which answers leave the outcome open, `journal.py` remembers what was begun, and there is one
file a tracker. Tokens come from the environment and are never printed.
"""
