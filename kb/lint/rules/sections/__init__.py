"""The sections family: headings that are there, once and filled in, and their evidence lines."""

from kb.lint.rules.sections import fields, headings  # noqa: F401 - imported to register
