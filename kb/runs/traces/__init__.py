"""Which values does a trace file hold? JSON of any shape and size, one value at a time."""
