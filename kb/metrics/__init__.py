"""Measures of learning: pure functions from records and commits to numbers.

Begin with `registry`: one row a measure. `inputs` is what a measure may look at; `repetition`,
`time_to_detection`, `action_measures`, `effectiveness_measures`, `coverage`, `sharing_deadlines`
and `warning_and_containment` compute; `aggregate` makes values of cases. `compute_page` puts them
together, `headline_answers` says them in a word, `render` in text, `json_output` in JSON.
"""
