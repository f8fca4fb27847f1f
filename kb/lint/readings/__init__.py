"""What rules look at in a record, each kind of reading once: words that judge, facts, values."""
