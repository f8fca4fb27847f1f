"""Leave-one-out evaluation on a team's own library or a file."""
