"""In which order, and how sure? Words, vectors, classes and verdicts become a probability."""
