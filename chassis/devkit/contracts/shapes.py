"""Two JSON Schemas compared: whether a reader of the one takes whatever a writer of the other may send.

It knows the part of JSON Schema (2020-12) that contracts/ is written in. Of a keyword that it does not know it asks
that both say the same, so what it passes is safe; ADR 0033 says why it is not a library.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Node = Mapping[str, Any]
Path = tuple[str, ...]

ITEM = "[]"
"""In a path: an item of a list, or the value of a mapping's key."""

BRANCHES = "x-branches"
_SAYS_NOTHING = frozenset(
    ("$schema", "$id", "$defs", "$comment", "components", "title", "description", "default", "example", "examples")
) | {BRANCHES, "deprecated", "readOnly", "writeOnly", "contentMediaType"}
_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_COMPARED = frozenset(
    ("type", "enum", "properties", "required", "additionalProperties", "items", "format", *_LEAST, *_MOST)
)
_TYPES: dict[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}


@dataclass(frozen=True)
class Misfit:
    """Something that a writer may send and the reader does not take."""

    path: Path
    what: str
    is_new_value: bool = False
    """Whether it is only a value that the reader's list does not have."""

    def __str__(self) -> str:
        return f"{'.'.join(self.path) or 'it'} {self.what}"


def misfits(reader: Node, writer: Node) -> list[Misfit]:
    """Why a value of the writer's schema might not be one of the reader's; empty if each is.

    A reader takes fields that it does not know, unless its schema says that there are none.
    """
    return list(_Comparison(reader, writer).of(reader, writer, ()))


def lost(old: Node, new: Node) -> list[Path]:
    """The fields that the old schema names and the new one does not, wherever both have the object around them."""
    kept = set(_fields(new, new, ()))
    return [path for path in dict.fromkeys(_fields(old, old, ())) if path not in kept and path[:-1] in {(), *kept}]


def branches_at(reader: Node, path: Path) -> bool:
    """Whether code that reads by this schema branches on the value at the path, or on something around it."""
    found: list[Node] = [reader]
    for step in ("", *path):
        if step:
            found = [child for node in found for child in _children(node, step)]
        found = [branch for node in found for branch in alternatives(node, reader)]
        if any(node.get(BRANCHES) for node in found):
            return True
    return False


def alternatives(node: Any, root: Node) -> list[Node]:
    """The schema as plain ones, of which a value fits at least one: references and combinations resolved."""
    if node is True:
        return [{}]
    if node is False:
        return []
    resolved = _resolved(node, root)
    for word in ("anyOf", "oneOf"):
        if word in resolved:
            rest = {key: value for key, value in resolved.items() if key != word}
            return [one for choice in resolved[word] for one in alternatives(_both(rest, choice, root), root)]
    if isinstance(resolved.get("type"), list):
        return [{**resolved, "type": kind} for kind in resolved["type"]]
    return [resolved]


def _resolved(node: Node, root: Node) -> dict[str, Any]:
    plain = dict(node)
    while "$ref" in plain:
        target: Any = root
        for step in plain.pop("$ref").removeprefix("#/").split("/"):
            target = target[step]
        plain = {**target, **plain}
    for part in plain.pop("allOf", ()):
        plain = _both(plain, part, root)
    if "const" in plain:
        plain["enum"] = [plain.pop("const")]
    return plain


def _both(one: Node, other: Node, root: Node) -> dict[str, Any]:
    """What fits both schemas."""
    joined, more = dict(one), _resolved(other, root)
    for key, value in more.items():
        if key == "properties":
            known = joined.get(key, {})
            merged = {name: _both(known[name], value[name], root) for name in known.keys() & value.keys()}
            joined[key] = {**known, **value, **merged}
        elif key == "required":
            joined[key] = [*joined.get(key, ()), *value]
        elif key == "enum" and key in joined:
            joined[key] = [item for item in value if item in joined[key]]
        elif key in joined and key not in _SAYS_NOTHING and joined[key] != value:
            # of two limits neither is dropped: the comparison sees that this is more than it knows
            joined[f"{key} and"] = value
        else:
            joined[key] = value
    return joined


def _children(node: Node, step: str) -> list[Any]:
    if step == ITEM:
        return [child for child in (node.get("items"), node.get("additionalProperties")) if isinstance(child, dict)]
    return [node["properties"][step]] if step in node.get("properties", {}) else []


def _fields(node: Any, root: Node, path: Path) -> Iterator[Path]:
    if len(path) > 20:  # a shape within itself
        return
    for plain in alternatives(node, root):
        for name, child in plain.get("properties", {}).items():
            yield (*path, name)
            yield from _fields(child, root, (*path, name))
        for child in _children(plain, ITEM):
            yield (*path, ITEM)
            yield from _fields(child, root, (*path, ITEM))


class _Comparison:
    def __init__(self, reader: Node, writer: Node) -> None:
        self._reader = reader
        self._writer = writer

    def of(self, reader: Any, writer: Any, path: Path) -> Iterator[Misfit]:
        taken = alternatives(reader, self._reader)
        for sent in alternatives(writer, self._writer):
            tried = [list(self._fit(one, sent, path)) for one in taken]
            if not tried or not all(tried):
                if not tried:
                    yield Misfit(path, "is not taken")
                continue
            alike = [found for one, found in zip(taken, tried, strict=True) if _kind(one) == _kind(sent)]
            if alike:
                yield from min(alike, key=len)
            else:
                yield Misfit(path, f"may be {_kind(sent)}", is_new_value="enum" in sent)

    def _fit(self, taken: Node, sent: Node, path: Path) -> Iterator[Misfit]:
        if "enum" in sent:
            yield from _values(taken, sent["enum"], path)
            return
        if "enum" in taken:
            yield Misfit(path, f"may be more than {_listed(taken['enum'])}")
            return
        wanted = taken.get("type")
        if wanted not in (None, sent.get("type")) and (wanted, sent.get("type")) != ("number", "integer"):
            yield Misfit(path, f"may be {sent.get('type', 'anything')}, not {wanted}")
            return
        yield from self._limits(taken, sent, path)
        yield from self._object(taken, sent, path)
        if "items" in taken:
            yield from self.of(taken["items"], sent.get("items", True), (*path, ITEM))

    def _limits(self, taken: Node, sent: Node, path: Path) -> Iterator[Misfit]:
        for word in _LEAST:
            if word in taken and not (word in sent and sent[word] >= taken[word]):
                yield Misfit(path, f"may be below {word} {taken[word]}")
        for word in _MOST:
            if word in taken and not (word in sent and sent[word] <= taken[word]):
                yield Misfit(path, f"may be above {word} {taken[word]}")
        for word in sorted(taken.keys() - _COMPARED - _SAYS_NOTHING | ({"format"} & taken.keys())):
            if taken[word] != sent.get(word):
                yield Misfit(path, f"has another {word}: {sent.get(word, 'none')!r}, not {taken[word]!r}")

    def _object(self, taken: Node, sent: Node, path: Path) -> Iterator[Misfit]:
        told, known = sent.get("properties", {}), taken.get("properties", {})
        for name in dict.fromkeys(taken.get("required", ())):
            if name not in sent.get("required", ()):
                yield Misfit((*path, name), "may be missing" if name in told else "is not told")
        others = taken.get("additionalProperties", True)
        for name, node in told.items():
            if name in known:
                yield from self.of(known[name], node, (*path, name))
            elif others is False:
                yield Misfit((*path, name), "is not known")
            elif others is not True:
                yield from self.of(others, node, (*path, name))
        # what names no field and says nothing of others may have any; of a shape only the fields that it names are told
        rest = sent.get("additionalProperties", not told)
        if others is not True and rest is not False:
            yield from self.of(others, rest, (*path, ITEM))


def _values(taken: Node, values: list[Any], path: Path) -> Iterator[Misfit]:
    if "enum" in taken:
        new = [value for value in values if value not in taken["enum"]]
        if new:
            yield Misfit(path, f"may be {_listed(new)}", is_new_value=True)
        return
    wanted = taken.get("type")
    odd = [value for value in values if wanted not in (None, _TYPES[type(value)])]
    if odd:
        yield Misfit(path, f"may be {_listed(odd)}, which is no {wanted}")


def _kind(node: Node) -> str:
    """The type, also of a list of values."""
    if "type" in node:
        return str(node["type"])
    kinds = {_TYPES[type(value)] for value in node.get("enum", ())}
    return kinds.pop() if len(kinds) == 1 else "anything"


def _listed(values: list[Any]) -> str:
    return ", ".join(str(value) for value in values)
