"""What a run, a channel or a range of commits proves, written into a draft."""
