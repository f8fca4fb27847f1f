"""The store of an organisation: what many repositories share, in PostgreSQL with pgvector.

- `push_library`: brings a library there; `shared_records`: what of it may go; `write_rows`: as rows
- `search`: ranks the store's texts as `kb.search` does; `fetch_candidates`: those worth ranking
- `merge_answers`: the own library and the store as one answer
- `corpus_statistics`, `corpus_statistics_rows`, `fit_curves`: what is counted over all texts
- `connection`: the one way in; `migrations`: its tables, from `kb/data/store/*.sql`
"""
