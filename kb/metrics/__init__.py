"""Measures of learning: pure functions from records and commits to numbers.

Begin with `registry`: one row a measure. `inputs` is what a measure may look at; `detection`,
`repetition`, `action_measures`, `coverage` and `sharing_deadlines` compute; `summary` makes values
of cases; `page` puts them together, `answers` says them in a word, `render` in text.
"""
