"""One file a verb: arguments in, text and exit code out. Nothing is decided here."""
