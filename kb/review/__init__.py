"""The review of a branch: the one comment of a pull request."""
