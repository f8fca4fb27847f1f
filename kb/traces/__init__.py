"""Traces in; canonical runs, fixtures and evidence out.

- `decoding/`: bytes to values, one at a time; `importers/` know the formats
- `redaction/`: secrets and people out, before anything is written or shown
- `effects/`: what a tool call does to the world; `normalize/`: messages and spans to one run
- `run`: what a run is; `reading`: any trace file to runs; `canonical_json`, `fixture`: on disk
- `render`: as a person reads it
- `analyses/`: what a run proves by itself; `checkup/`: which runs of an archive deserve a look
- `replay/`: where a replay begins, and whether it happens again
- `drafting/`: what a run gives to a draft
- `similarity`: the run as a search query, and whether two runs went the same way
"""
