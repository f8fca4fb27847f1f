"""How does a person read a run? As a timeline at the terminal."""
