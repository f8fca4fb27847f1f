"""Which earlier incidents are like this one, how sure is that, and why? See `similar`."""
