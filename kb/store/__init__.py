"""The store of an organisation: what many repositories share, in PostgreSQL with pgvector.

Begin with `push.py`, which brings a library there, and `search.py`, which asks it with the ranking
of `kb.search`. `connection.py` is the one way in; the tables are `kb/data/store/*.sql`.
"""
