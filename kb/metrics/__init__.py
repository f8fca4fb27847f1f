"""Measures of learning: pure functions from records and commits to numbers.

Begin with `registry`: one row a measure. `inputs` is what a measure may look at; `repeats`,
`detection_and_containment`, `action_measures`, `review_measures`, `coverage` and
`sharing_deadlines` compute; `aggregate` makes values of cases. `compute_page` puts them
together, `headline_answers` says them in a word, `render` in text, `json_output` in JSON.
"""
