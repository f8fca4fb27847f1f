"""What is the vector of a text? The model compiled, opened without torch, and its vectors kept."""
