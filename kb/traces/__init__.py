"""Traces in; canonical runs, fixtures and evidence out.

- `decoding/`: bytes to values, one at a time; `importers/`: one file a trace format
- `messages/`, `spans/`: what the formats share; `normalize/`: all of it as one run
- `redaction`: secrets and people out, before anything is written or shown
- `effects/`: what a tool call does to the world
- `run`: what a run is; `read_runs`: any trace file to runs; `canonical_json`, `fixture`: on disk
- `render`, `rows_report`: as a person reads it
- `analyses/`: what a run proves by itself; `checkup/`: which runs of an archive deserve a look
- `replay/`: where a replay begins, and whether it happens again
- `drafting/`: what a run gives to a draft; `query_from_run`: the run as a search query
"""
