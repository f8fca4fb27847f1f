"""Splits, counts and clips text: sentences and words, in scripts with and without blanks.

"v.", "e.g.", "No. 5" and initials end no sentence.
"""

from __future__ import annotations

from kb.lazy_regex import regex

#: A full stop, closing marks, white space, and what may begin a sentence; a full stop of Chinese or
#: Japanese, which no blank need follow; or the end of a line.
_END = regex(
    r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[A-Z0-9])"
    r"|(?<=[。！？｡])(?![。！？｡])[」』】）”’]*\s*|\n+"
)
_CLOSING = "\"'”’)]」』】）"
#: Abbreviations that end no sentence although a capital follows, as in "Mata v. Avianca". Those
#: that often do end one ("etc.", "Inc.") are not among them.
_BEFORE_NAME = regex(
    r"(?:^|[\s(\[\"'“‘])"
    r"(?:vs?|e\.g|i\.e|cf|viz|Mrs?|Ms|Dr|Prof|Gen|Sen|Rep|Gov|St|(?:[A-Z]\.)*[A-Z])\.$"
)
#: The same where a number follows: "No. 5", "Fig. 2", "Sept. 3".
_BEFORE_NUMBER = regex(
    r"(?:^|[\s(\[\"'“‘])"
    r"(?:approx|ca|[Nn]os?|[Ff]igs?|[Ss]ecs?|[Aa]rts?|[Cc]h|[Vv]ol|[Pp]p?|[Ee]d|Eq|Ref|v|"
    r"Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.$"
)
#: Signs that are a word each by the rules of Unicode (UAX #29, WB999): Han and Hiragana. Katakana
#: and Hangul keep together, and are parted by blanks or by those.
_SIGNS = "\u3041-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_SIGN = regex(f"[{_SIGNS}]")
#: Scripts without blanks between words: Thai, Lao, Burmese, Khmer. A word has about five letters.
_RUNS = "\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff"
_RUN = regex(f"[{_RUNS}]+")
_LETTERS_A_WORD = 5
#: A word where not all are parted by blanks, with the punctuation behind it.
_WORD = regex(
    rf"[{_SIGNS}][^\w\s{_RUNS}]*|[{_RUNS}]{{1,{_LETTERS_A_WORD}}}[^\w\s{_RUNS}]*"
    rf"|[^\s{_SIGNS}{_RUNS}]+"
)
#: What BM25 reads by pairs of letters: scripts without blanks, Katakana among them.
_UNPARTED = regex(f"[{_SIGNS}{_RUNS}\u3005\u30a1-\u30fe\uff66-\uff9f]+")
#: How far back an abbreviation can begin.
_LONGEST = 12


def sentences(text: str) -> list[str]:
    """The sentences of a text in their order, lines apart, without the white space between them."""
    found, start = [], 0
    for end in _END.finditer(text):
        before = text[max(start, end.start() - _LONGEST) : end.start()]
        number = text[end.end() : end.end() + 1].isdigit()
        if "\n" not in end.group() and (
            _BEFORE_NAME.search(before) or (number and _BEFORE_NUMBER.search(before))
        ):
            continue
        marks = len(end.group()) - len(end.group().lstrip(_CLOSING))
        found.append(text[start : end.start() + marks])
        start = end.end()
    found.append(text[start:])
    return [sentence for sentence in found if sentence.strip()]


def clipped(text: str, most: int) -> str:
    """The text in at most so many characters, an ellipsis in the place of what was cut off."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def words(text: str) -> list[str]:
    """The words of a text, each with the blank that follows it, so that they can be joined again.

    In scripts without blanks a sign is a word, or as many letters as a word has in the mean.
    """
    return [word for part in text.split() for word in _parted(part)]


def _parted(part: str) -> list[str]:
    found = [part] if part.isascii() else _WORD.findall(part)
    return [*found[:-1], f"{found[-1]} "]


def letter_pairs(text: str) -> tuple[str, list[str]]:
    """A text without its runs of letters in scripts without blanks, and the pairs of those letters.

    Pairs stand for words that only a dictionary could part; a run of one letter is itself.
    """
    if text.isascii():
        return text, []
    runs = _UNPARTED.findall(text)
    pairs = [run[at : at + 2] for run in runs for at in range(max(len(run) - 1, 1))]
    return (_UNPARTED.sub(" ", text) if runs else text), pairs


def word_count(text: str) -> int:
    """How many words a text has, in scripts that part them by blanks and in those that do not."""
    if text.isascii():
        return len(text.split())
    signs = letters = 0
    if _UNPARTED.search(text):
        signs = len(_SIGN.findall(text))
        text = _SIGN.sub(" ", text)
        letters = sum(len(run) for run in _RUN.findall(text))
        text = _RUN.sub(" ", text)
    rest = sum(word[0].isalnum() or any(map(str.isalnum, word)) for word in text.split())
    return signs + -(-letters // _LETTERS_A_WORD) + rest
