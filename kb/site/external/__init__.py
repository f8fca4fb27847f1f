"""What keeps the edition for outsiders clean: names, prose, refusals, and a last look."""
