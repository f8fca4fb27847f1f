"""Measures of learning: pure functions from records and commits to numbers.

Begin with `registry.py`: one row a measure. `facts.py` is what a measure may look at, `history.py`
when things landed, `reading.py` what has to be read for a page, and `page.py` puts it together.
`actions.py` and `gate.py` answer for promises; `edit.py` keeps them with one line changed.
"""
