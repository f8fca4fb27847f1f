"""Libraries beside one's own: where they are, what each shares, and what of it may be kept here.

Begin with `opened.py`. What a library shares is decided by its own `kb.toml` and made into a view
(`shared_view.py`); nothing else of it is ever stored (`kept_view.py`). Searching them is
`kb.search.neighbours`.
"""
