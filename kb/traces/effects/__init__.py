"""What a tool call does to the world, and how it can fail."""
