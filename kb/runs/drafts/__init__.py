"""What does a run give to a draft? Its evidence, and dated lines from elsewhere."""
