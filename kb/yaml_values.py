"""Loads YAML of somebody else: a value of bounded size, or one error with its line."""

from __future__ import annotations

from typing import IO, Any

import yaml

#: What PyYAML's constructors raise for values their tags do not take: `!!int ""` an IndexError,
#: `!!bool x` a KeyError, `!!timestamp x` an AttributeError.
_UNREADABLE = (
    yaml.YAMLError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)


class NotYamlError(ValueError):
    """No YAML, a value that its tag does not take, or aliases that grow without end."""


def load_yaml(raw: bytes | IO[bytes], loader: Any, most_nodes: int) -> Any:
    """The value of the first document. Raises `NotYamlError`.

    `most_nodes` is how many values there may be where every alias is written out. Aliases are
    counted before anything is built: merged (`<<`), fifteen lines of them fill the memory.
    """
    try:
        opened = loader(raw)
        try:
            node = opened.get_single_node()
            if node is None:
                return None
            if _written_out(node, {}) > most_nodes:
                raise NotYamlError("aliases make it grow without end")
            return opened.construct_document(node)
        finally:
            opened.dispose()
    except NotYamlError:
        raise
    except _UNREADABLE as error:
        raise NotYamlError(_in_words(error)) from error


def _written_out(node: Any, known: dict[int, int]) -> int:
    """The number of values in a node, each alias counted as what it names."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) not in known:
        known[id(node)] = -1
        is_mapping = isinstance(node, yaml.MappingNode)
        parts = [part for pair in node.value for part in pair] if is_mapping else node.value
        known[id(node)] = 1 + sum(_written_out(part, known) for part in parts)
    if known[id(node)] < 0:
        raise NotYamlError(f"an alias stands within what it names, line {_line(node.start_mark)}")
    return known[id(node)]


def _in_words(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None)
    if what is None:
        is_yaml = isinstance(error, yaml.YAMLError)
        what = str(error).split("\n", 1)[0] if is_yaml else f"{type(error).__name__} in a value"
    return f"{what}, line {_line(mark)}" if mark else what


def _line(mark: Any) -> int:
    return int(mark.line) + 1
