"""Names in a text, however they are written: of people and systems, of hosts, paths and tickets."""
