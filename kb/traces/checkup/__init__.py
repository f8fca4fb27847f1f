"""An archive of traces, read for runs that went wrong behind green dashboards.

- `archive_files`, `remote_files`: the files that may hold traces, here and in an object store
- `examine`: their runs, one at a time; `progress_file`: what was found, so that none is read twice
- `run_facts`: one run in a few lines; `signs`: what in it looks wrong, and whether it proves it
- `likelihood`: the fitted score of a run; `auc`: how well it ranks; `groups`: runs by failure
- `summary`: the coverage table, the ranking, the log lines that were missing
- `report`, `show_runs`: the same as text, Markdown and JSON, and the runs themselves
"""
