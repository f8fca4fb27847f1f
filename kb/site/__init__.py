"""The static site: pages, copies for machines, and the external edition.

- `content`: what a site holds; `gather`: where that comes from; `related_incidents`: what search
  adds to it
- `external/`: what may leave the house: allow-lists, names and prose taken out, refusals
- `pages/`: one file a page kind; begin with `pages/incident.py`, the one that matters
- `templates/`: their HTML; `templates`: the one function that fills them
- `machine/`: feed, JSON and CSV copies, link previews
- `safe_html`: record text becomes HTML there and nowhere else; `links`: paths and addresses
- `write`: pages into a folder; `search_index`, `semantic/`, `lexicon`: what the search box reads
- `build_site`: an engine builds them; `engines`, `mkdocs_settings`, `page_shells`, `work_folder`,
  `post_process`; `live_preview`: the same after each edit
"""
