"""The kinds of fix that remove each cause: the table the root-cause rules judge actions by."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from kb.lazy_regex import regex
from kb.lint.readings.document_facts import lever
from kb.records.action_and_prior_items import ActionItem

#: Cause to the levers that can remove it, or keep it from doing harm. Each row follows from the
#: definitions of the two words; a cause a team added has no row, and any lever may remove it.
LEVERS_FOR_CAUSE: dict[str, frozenset[str]] = {
    "tool-failure": frozenset({"code", "test", "verifier", "kill-switch", "alert", "monitoring"}),
    "prompt-drift": frozenset({"prompt", "eval", "test", "review-process", "ownership"}),
    "state-corruption": frozenset({"code", "test", "verifier", "scope", "monitoring"}),
    "environmental-change": frozenset(
        {"code", "test", "eval", "alert", "monitoring", "verifier", "review-process", "prompt"}
    ),
    "edge-case-input": frozenset(
        {"code", "test", "eval", "prompt", "verifier", "scope", "approval-gate"}
    ),
    "prompt-injection": frozenset(
        {"permission", "verifier", "scope", "approval-gate", "code", "kill-switch"}
    ),
    "hallucination": frozenset(
        {"scope", "approval-gate", "verifier", "retrieval", "eval", "code", "test"}
    ),
    "prompt-defect": frozenset({"prompt", "eval", "test"}),
    "governance-design": frozenset(
        {
            "permission",
            "approval-gate",
            "scope",
            "ownership",
            "review-process",
            "kill-switch",
            "code",
        }
    ),
    "access-control": frozenset({"permission", "approval-gate", "scope", "code"}),
    "stale-evidence": frozenset({"retrieval", "verifier", "ownership", "monitoring", "code"}),
    "weak-verifier": frozenset({"verifier", "eval", "test", "code"}),
    "excess-scope": frozenset({"scope", "permission", "approval-gate"}),
    "code-defect": frozenset({"code", "test"}),
}

#: Levers that change what the system does from now on, rather than who hears of it.
PERMANENT_LEVERS = frozenset(
    {
        "test",
        "code",
        "prompt",
        "eval",
        "permission",
        "approval-gate",
        "scope",
        "verifier",
        "kill-switch",
        "retrieval",
    }
)


@dataclass(frozen=True, slots=True)
class RightFix:
    """What answers a policy cause: one of some levers (all of `needed`), or words in the text."""

    levers: frozenset[str]
    wording: str
    words: re.Pattern[str] | None = None
    needed: tuple[frozenset[str], ...] = ()

    def is_in(self, actions: Iterable[ActionItem]) -> bool:
        """Whether the actions hold the right kind of fix."""
        actions = tuple(actions)
        used = {lever(action) for action in actions}
        if self.needed:
            return all(used & choice for choice in self.needed)
        in_words = self.words and any(promises(action, self.words) for action in actions)
        return bool(used & self.levers or in_words)


#: POLICY_CAUSE to the kind of fix that holds against it.
RIGHT_FIXES: dict[str, RightFix] = {
    "injection": RightFix(
        levers=frozenset({"permission", "verifier"}),
        wording="narrower permissions, isolation of untrusted text, or a verifier",
        words=regex(
            r"isolat|untrusted|quarantin|sandbox|separat|as data|strip|saniti[sz]", re.IGNORECASE
        ),
    ),
    "hallucination": RightFix(
        levers=frozenset({"scope", "approval-gate", "verifier"}),
        wording="a smaller scope, an approval gate, or a verifier",
    ),
    "prompt-defect": RightFix(
        levers=frozenset({"prompt", "eval"}),
        wording="a change with lever prompt and a case with lever eval that keeps it",
        needed=(frozenset({"prompt"}), frozenset({"eval", "test"})),
    ),
}


def promises(action: ActionItem, words: re.Pattern[str]) -> bool:
    """Whether the wording of an action promises something; asking the model for it does not."""
    return lever(action) != "prompt" and bool(words.search(action.text))


def removes(action: ActionItem, cause: str) -> bool:
    """Whether an action removes a cause: it says so, or says nothing and its lever can."""
    named = set(re.split(r"[\s,/&]+", action.attribute("cause").strip().lower())) - {""}
    if named:
        return cause in named
    fitting = LEVERS_FOR_CAUSE.get(cause)
    return fitting is None or not lever(action) or lever(action) in fitting
