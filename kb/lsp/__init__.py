"""The checks, words and earlier incidents of kb in an editor, over the Language Server Protocol.

Nothing is decided here: every answer is one of `kb.lint`, `kb.records` or `kb.search`, given for
the text as it stands in the editor, saved or not.

- `server`: what a client may ask; `feature_dispatch`: each question by the module named for it
- `workspace`: the open files and the libraries they lie in; `frames`: messages as they come in
- `text_positions`: places in a text; `library_view`: a library as far as an editor has to know it
- `open_record`: one open file with its library, what every feature is a function of
- `diagnostics`, `code_actions`, `completion_items`, `hover`, `navigation`, `outline`, `rename`,
  `semantic_tokens`, `lenses`: one feature each; `earlier_incidents`: search, in the background
"""
