"""The static site: pages, copies for machines, and the external edition.

- `content`: what a site holds; `gather`: where that comes from; `finding`, `related`: what search
  adds to it
- `external/`: what may leave the house: allow-lists, names and prose taken out, refusals
- `pages/`: one file a page kind; begin with `pages/incident.py`, the one that matters
- `machine/`: feed, JSON and CSV copies, link previews
- `html`: record text becomes HTML there and nowhere else; `links`: paths and addresses
- `write`: pages into a folder; `search_index`, `semantic/`: what the search box reads
- `site`: an engine builds them; `engines`, `mkdocs_settings`, `work_folder`, `finish`;
  `serve`: the same after each edit
"""
