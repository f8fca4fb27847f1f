"""What does the index hold, and how does it lie on disk? Records cut to passages, and refreshed."""
