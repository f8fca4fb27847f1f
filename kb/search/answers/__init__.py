"""What does a search say, and why? The answer as values, for the terminal, programs and drafts."""
