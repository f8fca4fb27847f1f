"""What can a trace prove? Traces in; canonical runs, fixtures and evidence out.

- `run`        what a run is
- `reading`    any trace file → runs (`importers/` know the formats, `detect` tells them apart)
- `redact`     secrets and people out, before anything is written
- `effects`    which tools change the world, and who says so
- `fixture`    `fixture.json` and its blobs, written and read (`canonical` gives the bytes)
- `timeline`   a run as a person reads it
"""
