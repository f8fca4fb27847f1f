"""An archive of traces, read for runs that went wrong behind green dashboards.

- `archive`    the files of a folder, one run at a time; bad ones listed, nothing read twice
- `facts`      one run in a few lines: what it holds, and what in it looks wrong
- `suspicion`  how much each sign counts, and why: the order of the candidates
- `summary`    the coverage table, the ranking, the log lines that were missing
- `report`     the same as text, Markdown and JSON
"""
