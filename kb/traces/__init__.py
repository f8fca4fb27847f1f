"""What can a trace prove? Traces in; canonical runs, fixtures and evidence out.

- `traces/`: values out of any JSON, one at a time; `importers/` know the formats
- `telling/`: the messages of a trace become one run: joined, dated, judged by their effects
- `steps`, `run`: what a run is; `reading`: any trace file → runs; `choosing`: one run of a file;
  `team`: its settings
- `privacy/`: secrets and people out, before anything is written or shown
- `canonical`, `fixture`: `fixture.json` and its blobs, written and read
- `showing/`: as a person reads it
- `analyses/`: what it proves by itself; `checkup/`: which runs of an archive deserve a look
- `freezing`, `replay/`: where a replay begins, and whether it happens again
- `drafts/`: what it gives to a draft
- `querytext`, `signature`: the run as a query, and whether two runs went the same way
"""
