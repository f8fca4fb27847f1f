"""Rules on evidence, one module for each way a record may not stand on it.

`lines` asks how evidence lines are written, `claims` what they prove, `fixture` whether the run
can be repeated, `conflicts` whether two places disagree, `weak` whether the actions answer them.
"""

from kb.lint.rules.evidence import claims, conflicts, fixture, weak  # noqa: F401 - imported to register
