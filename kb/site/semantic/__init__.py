"""How does a page find incidents by meaning, with no server? The encoder runs in the browser.

Its weights, in 8 bits, and the vectors of the passages lie beside the pages; a reader who asks for
it loads them once. Nothing here runs unless `kb.toml` says
`semantic_search = true` under `[site]`.
"""
