"""Secrets and people in a run, replaced by stable placeholders."""
