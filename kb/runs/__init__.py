"""What can a trace prove? Traces in; canonical runs, fixtures and evidence out.

A file and its bytes:
- `source`, `layout`, `rawjson`, `jsontext`: values out of any JSON, one at a time
- `detect`: which format it is; `importers/` know the formats

From values to a run:
- `said`, `tape`, `joining`, `notes`: one message, a run that grows, two tellings of one step
- `times`, `failures`, `effects`, `missing`: when, whether it failed, what it changed, what lacks
- `steps`, `run`: what a run is; `assemble`: a tape becomes one
- `reading`: all of it, any trace file → runs; `choosing`: one run of a file; `team`: its settings

What may leave:
- `redact`, `encoded`, `cleaning`: secrets and people out, also of encodings, before anything is
  written; `disclosure`: the same for messages and paths
- `canonical`, `fixture`: `fixture.json` and its blobs, written and read

What it is good for:
- `timeline`, `timeline_frame`, `timeline_pieces`, `terminal`, `wording`: as a person reads it
- `analyses/`: what it proves by itself; `checkup/`: which runs of an archive deserve a look
- `freezing`, `replay/`: where a replay begins, and whether it happens again
- `starting`, `drafting`, `evidence`, `evidence_timeline`: a draft; `candidates`, `channel`,
  `changes`: dated lines from elsewhere for it
- `querytext`, `signature`: the run as a query, and whether two runs went the same way
"""
