"""How good are the answers? Leave-one-out on a team's own library or a file."""
