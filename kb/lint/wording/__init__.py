"""Wording that rules look for: judgements about people, vague actions, labels given as causes."""
