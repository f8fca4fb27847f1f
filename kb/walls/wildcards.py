"""Whether a text is like a pattern, and the words of a command are those that a wall names.

In a pattern `*` stands for anything and `|` for or; case is ignored. This is imported before every
call of a tool, so it uses no regular expressions: `re` alone would cost the hook a fifth of its
time. Each part of a pattern is looked for once, behind the one before, so the work is linear.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

#: A dash and the letters of several flags; what is longer is one flag with a long name.
_LONGEST_BUNDLE = 6
#: Programs whose flags have long names behind one dash: none of theirs are a bundle.
_LONG_FLAGS = frozenset(
    (
        *("find", "terraform", "terragrunt", "tofu", "packer", "vault", "consul", "nomad"),
        *("openssl", "java", "go", "ffmpeg", "convert"),
    )
)


class UnjudgeableError(Exception):
    """A call of which nobody can say whether it meets a wall."""


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text is like the pattern, or one of those between `|`."""
    text = text.casefold()
    return any(_is_like(one, text) for one in pattern.casefold().split("|"))


def _is_like(pattern: str, text: str) -> bool:
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    *between, last = rest
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for part in between:
        found = text.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True


def longest_part(pattern: str) -> str:
    """The longest text that whatever is like the pattern must hold, in small letters."""
    if "|" in pattern:
        return ""
    return max(pattern.casefold().split("*"), key=len)


def without_quotes(text: str) -> str:
    """A text without the signs by which a shell quotes."""
    for sign in ("'", '"', "\\\n", "\\"):
        text = text.replace(sign, "")
    return text


def has_words(wanted: Iterable[str], words: tuple[str, ...]) -> bool:
    """Whether a command is the wanted one: its program, then its words in order, flags anywhere.

    The second word, where it is a plain one, is the first that is neither an option nor may be the
    value of one: `git stash push` is no `git push`. `-rf` is had by `-fr`, `-r -f` and `-Rfv`
    alike, `--force` also by `-force=true`: programs take one dash or two before a long name.
    """
    program, *rest = [*wanted] or ["*"]
    called = program_name(words[0]) if words else ""
    if not words or not any(matches(program_name(one), called) for one in program.split("|")):
        return False
    flags = [word for word in rest if word.startswith("-")]
    plain = [word for word in rest if not word.startswith("-")]
    is_in_place = not plain or "*" in plain[0] or _stands_first(plain[0], words[1:])
    left = iter(words[1:])
    in_order = is_in_place and all(any(matches(word, each) for each in left) for word in plain)
    return in_order and all(
        any(_has_flag(one, words[1:], called) for one in flag.split("|")) for flag in flags
    )


def _stands_first(word: str, words: tuple[str, ...]) -> bool:
    """Whether only options, and what may be their values, stand before a word."""
    is_value = False
    for each in words:
        if matches(word, each):
            return True
        if not each.startswith("-") and not is_value:
            return False
        is_value = each.startswith("-")
    return False


def program_name(word: str) -> str:
    """The name of a program without its folder and `.exe`."""
    name = word.replace("\\", "/").rpartition("/")[2]
    return name[: -len(".exe")] if name.lower().endswith(".exe") else name


def _has_flag(flag: str, words: tuple[str, ...], program: str) -> bool:
    name, has_long_names = flag.lstrip("-"), program.lower() in _LONG_FLAGS
    if not name:
        return flag in words
    if "*" in flag or flag[:2] == "--" or len(flag) > _LONGEST_BUNDLE or has_long_names:
        may_bundle = flag[:2] == "--" and not has_long_names
        return any(_is_named(name, word) for word in words if not (may_bundle and _is_bundle(word)))
    given = "".join(word[1:] for word in words if _is_bundle(word)).replace("R", "r")
    is_long = len(name) > 1 and any(_is_named(name, word) for word in words if word[:2] == "--")
    return is_long or set(name.replace("R", "r")) <= set(given) or flag in words


def _is_named(name: str, word: str) -> bool:
    """Whether a word is the flag of that name, with or without a value."""
    given = word.lstrip("-")
    return given != word and (matches(name, given) or matches(name, given.partition("=")[0]))


def _is_bundle(word: str) -> bool:
    """Whether a word may be several flags in one: `-rf`; `-maxdepth` has too many letters."""
    return word[:1] == "-" and word[1:].isalpha() and len(word) <= _LONGEST_BUNDLE
