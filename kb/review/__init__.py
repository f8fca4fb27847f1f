"""What should the reviewer of a branch know? The one comment of a pull request."""
