"""The sections family: headings that are there, once and filled in, and their evidence lines."""

from kb.lint.rules import sections  # noqa: F401 - imported to register
from kb.lint.rules.sections import fields  # noqa: F401 - imported to register
