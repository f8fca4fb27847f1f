"""Libraries of other teams (`kb beside`): where they are, what each shares, what is kept here.

Begin with `open_libraries`. What a library shares is decided by its own `kb.toml` and made into a
view (`what_is_shared`); nothing else of it is ever stored (`cached_view`). Searching them is
`kb.search.several_libraries`.
"""
