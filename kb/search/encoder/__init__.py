"""Text to vectors: the model, where its files come from, and the store of vectors."""
