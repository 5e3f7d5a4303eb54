"""YAML documents from people: keys are words as written, and none appears twice.

YAML 1.1 reads ``010`` as 8, ``no`` as false and ``1_1`` as 11. Keys of ours are words, and so are
labels; nobody means a number by them.
"""

from __future__ import annotations

from typing import Any

import yaml

_NULL = "tag:yaml.org,2002:null"
_TEXT = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
    """YAML whose keys are texts; a key that appears twice would lose its first value in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Make a dictionary of keys that differ."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(
                    problem="a key is a list or a table; expected a word",
                    problem_mark=key.start_mark,
                )
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} appears twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
            if key.tag != _MERGE:
                key.tag = _TEXT
        return super().construct_mapping(node, deep)


class _WordLoader(_Loader):
    """YAML whose values are texts as well, or null."""


_WordLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag == _NULL]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_document(text: str) -> Any:
    """Read a YAML document whose keys are words.

    Raises:
        ValueError: It is not valid YAML, a key appears twice, or nested too deeply; the
            message is one line.
    """
    return _loaded(text, _Loader)


def load_words(text: str) -> Any:
    """Read a YAML document whose keys and values are words, or null; raises as the other one."""
    return _loaded(text, _WordLoader)


def _loaded(text: str, loader: type[yaml.SafeLoader]) -> Any:
    try:
        return yaml.load(text, Loader=loader)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    # Python refuses dates that there are not and numbers of thousands of digits by ValueError.
    except (yaml.YAMLError, ValueError, OverflowError, TypeError) as error:
        said = " ".join(str(error).split()).replace('in "<unicode string>", line', "in line")
        raise ValueError(said[:300]) from error
