"""Which files are records: by their name, and up to which size; and how much of one is searched."""

from __future__ import annotations

from kb.lazy_regex import regex

#: A record is prose; what is larger is data that belongs beside it, and is not looked into.
MAX_RECORD_BYTES = 2_000_000
#: Characters of a record that search reads: each thousand is a passage, and takes the encoder some
#: 30 ms. The longest of 209 postmortems of others has 40 passages.
MAX_SEARCHED_CHARACTERS = 200_000
_RECORD_NAME = regex(r"\d{4}-\d{2}-\d{2}-[^/\\]+\.md$")


def is_record_name(name: str) -> bool:
    """Whether a file name is that of a record, `YYYY-MM-DD-slug.md`."""
    return bool(_RECORD_NAME.fullmatch(name))


def is_unicode_name(name: str) -> bool:
    """Whether a file name is text: an address, a feed and a database can hold no other."""
    return not any("\ud800" <= character <= "\udfff" for character in name)
