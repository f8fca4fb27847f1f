"""The JSON Schema of the front matter, generated from the key table, for editors."""

from __future__ import annotations

from typing import Any

from kb.records.form import Form, build_form
from kb.records.front_matter_keys import KEYS, STAGES, Key, KeyType, rows

_DATE = r"^\d{4}-\d{2}-\d{2}$"
_TIME = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$"
_UNKNOWN = {"const": "unknown"}


def front_matter_schema(form: Form | None = None) -> dict[str, Any]:
    """The JSON Schema (2020-12) of the front matter; dates and times count as strings."""
    form = form or build_form()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Front matter of a postmortem",
        **_group(KEYS, form),
        "allOf": _requirements(),
    }


def _group(keys: tuple[Key, ...], form: Form) -> dict[str, Any]:
    always = [key.name for key in keys if key.required_from == "draft"]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {key.name: _described(key, form) for key in keys},
        **({"required": always} if always else {}),
    }


def _described(key: Key, form: Form) -> dict[str, Any]:
    shape = _shape(key, form)
    if key.unknown and key.type not in {KeyType.TEXT, KeyType.TEXTS}:
        shape = {"anyOf": [shape, _UNKNOWN]}
    return {"description": key.description, **shape}


def _shape(key: Key, form: Form) -> dict[str, Any]:
    # A blank key is a question still open, so null stands wherever a value may be missing.
    text: dict[str, Any] = {"type": ["string", "number", "null"]}
    shapes: dict[KeyType, dict[str, Any]] = {
        KeyType.TEXT: text,
        KeyType.DATE: {"type": "string", "pattern": _DATE},
        KeyType.TIME: {"type": ["string", "null"], "pattern": _TIME},
        KeyType.COUNT: {"type": ["integer", "null"], "minimum": 0},
        KeyType.NUMBER: {"type": ["number", "null"], "minimum": 0},
        KeyType.TEXTS: {"type": ["array", "null"], "items": {"type": ["string", "number"]}},
        KeyType.LINKS: {
            "type": ["object", "null"],
            "additionalProperties": {"anyOf": [text, {"type": "array", "items": text}]},
        },
        KeyType.PATTERNS: {"type": ["object", "null"], "additionalProperties": text},
        KeyType.CALLS: {"type": ["string", "number", "object", "array", "null"]},
    }
    if key.type in {KeyType.WORD, KeyType.WORDS}:
        return _words(key, form)
    if key.type is KeyType.GROUP:
        return _group(key.keys, form)
    if key.type is KeyType.GROUPS:
        return {"type": ["array", "null"], "items": _group(key.keys, form)}
    return shapes[key.type]


def _words(key: Key, form: Form) -> dict[str, Any]:
    choices = [
        {"const": word.name, "description": word.definition}
        for word in form.taxonomies[key.taxonomy]
    ]
    if key.type is KeyType.WORDS:
        return {"type": "array", "items": {"oneOf": choices}}
    return {"oneOf": choices}


def _requirements() -> list[dict[str, Any]]:
    """What later statuses ask for; conditions on the profile cannot be said in a schema."""
    found = []
    for dotted, row in rows():
        if row.required_from in {"", "draft"} or (row.required_when or ("",))[0] == "profile":
            continue
        stages = STAGES[STAGES.index(row.required_from) :]
        facts: dict[str, Any] = {"status": {"enum": list(stages)}}
        if row.required_when:
            facts[row.required_when[0]] = {"const": row.required_when[1]}
        condition = {"properties": facts, "required": list(facts)}
        found.append({"if": condition, "then": _presence(dotted.split("."))})
    return found


def _presence(path: list[str]) -> dict[str, Any]:
    first, *rest = path
    inner = {"properties": {first: _presence(rest)}} if rest else {}
    return {"required": [first], **inner}
