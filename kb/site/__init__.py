"""The static site: pages, copies for machines, and the external edition.

- `content`: what a site holds; `gather`: where that comes from; `finding`, `related`: what search
  adds to it; `editions`, `redaction`: for whom it is, and what may leave the house
- `outside/`: what keeps that clean: names and prose taken out, refusals, a last look at the files
- `pages/`: one file a page; begin with `pages/incident.py`, the one that matters
- `machine/`: feed, JSON and CSV copies, link previews
- `html`: record text becomes HTML there and nowhere else; `links`, `words`, `plain_text`, `csp`
- `write`: pages into a folder; `search_index`, `semantic/`: what the search box reads;
  `site`: an engine builds them; `engines`, `finish`; `serve`: the same after each edit
- `review/`: what the reviewer of a branch reads
"""
