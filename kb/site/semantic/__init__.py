"""Search by meaning in the browser, with no server: the encoder runs there.

Its weights, in 8 bits, and the vectors of the passages lie beside the pages; a reader who asks for
it loads them once. Nothing here runs unless `kb.toml` says
`semantic_search = true` under `[site]`.
"""
