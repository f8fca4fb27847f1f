"""The learning digest: what is new, what came again, what was promised, and what fired.

- `gather`: what a digest is made of; `contents`: what stands in it, as plain values
- `markdown`, `html_page`, `slack`: the same values in three forms; text of records has no effect
- `post`: the one place that speaks to a network, and only to an address from the environment
"""
