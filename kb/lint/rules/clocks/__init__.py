"""The clocks family: the times of the front matter, and the timeline that must agree."""

from kb.lint.rules import clocks  # noqa: F401 - imported to register
from kb.lint.rules.clocks import times  # noqa: F401 - imported to register
