"""What may leave? Secrets and people out, of values, encodings, messages and paths."""
