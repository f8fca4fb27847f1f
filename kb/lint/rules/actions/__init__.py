"""The actions family: what every promise must say, and whether its attributes can be read."""

from kb.lint.rules.actions import attributes, promises  # noqa: F401 - imported to register
