"""An archive of traces, read for runs that went wrong behind green dashboards.

- `archive`    the files of a folder, one run at a time; bad ones listed, nothing read twice
- `signs`      what in a run looks wrong, with the step that shows it and whether it proves it
- `likelihood` the fitted score of a run
- `measure`    one run in a few lines, and the worth of an order
- `groups`     suspicious runs by failure: those the library knows first
- `summary`    the coverage table, the ranking, the log lines that were missing
- `report`     the same as text, Markdown and JSON
"""
