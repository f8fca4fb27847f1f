"""The index of a library: built from its files, kept in `.kb/`, repaired when damaged."""
