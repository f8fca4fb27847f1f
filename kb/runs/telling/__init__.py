"""How do the messages of a trace become one run? Joined, dated, and judged by their effects."""
