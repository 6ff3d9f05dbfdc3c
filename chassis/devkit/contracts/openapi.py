"""Two OpenAPI documents of one service, as its clients see them: what they send is taken, what they read is told.

Stricter than a released client may need, for nobody states what the clients outside read.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from devkit.contracts import shapes

Node = Mapping[str, Any]


def breaks(old: Node, new: Node) -> Iterator[str]:
    """Why a client of the old document would trip over what the new one says."""
    # most are as they were, and to compare them takes a while
    same_shapes = old.get("components") == new.get("components")
    for path, operations in old["paths"].items():
        for method, was in operations.items():
            now = new["paths"].get(path, {}).get(method)
            # one that is gone is told of as a route
            if now is None or (same_shapes and now == was):
                continue
            for problem in _operation(_Of(was, old), _Of(now, new)):
                yield f"{method.upper()} {path}: {problem}"


class _Of:
    """A part of a document, with the document that its references are into."""

    def __init__(self, node: Any, document: Node) -> None:
        self.node = node
        self._document = document

    def schema(self, node: Any) -> Node:
        return {**node, "components": self._document.get("components", {})}


def _operation(old: _Of, new: _Of) -> Iterator[str]:
    yield from _parameters(old, new)
    yield from _body(old, new)
    for status, was in old.node["responses"].items():
        now = new.node["responses"].get(status)
        yield from (f"{status}: {problem}" for problem in _response(old.schema, was, new.schema, now, status))
    for status in new.node["responses"].keys() - old.node["responses"].keys():
        if status.startswith("2"):
            yield f"{status}: a success that it was not"


def _parameters(old: _Of, new: _Of) -> Iterator[str]:
    before, after = ({(one["in"], one["name"]): one for one in of.node.get("parameters", ())} for of in (old, new))
    for key, was in before.items():
        now = after.get(key)
        if now is None:
            yield f"parameter {key[1]} is taken no more"
            continue
        if now.get("required") and not was.get("required"):
            yield f"parameter {key[1]} is required now"
        for misfit in shapes.misfits(new.schema(now["schema"]), old.schema(was["schema"])):
            yield f"parameter {key[1]}: {misfit}, which is refused now"
    for key, now in after.items():
        if key not in before and now.get("required"):
            yield f"parameter {key[1]} is new, and required"


def _body(old: _Of, new: _Of) -> Iterator[str]:
    was, now = old.node.get("requestBody"), new.node.get("requestBody")
    if was is None or now is None:
        if was:
            yield "a body is taken no more"
        elif now and now.get("required"):
            yield "a body is required now"
        return
    if now.get("required") and not was.get("required"):
        yield "a body is required now"
    for media, content in was["content"].items():
        if media not in now["content"]:
            yield f"a body of {media} is taken no more"
            continue
        for misfit in shapes.misfits(new.schema(now["content"][media]["schema"]), old.schema(content["schema"])):
            yield f"body: {misfit}, which is refused now"


def _response(before: Any, was: Node, after: Any, now: Node | None, status: str) -> Iterator[str]:
    if now is None:
        yield "is answered no more"
        return
    for name in was.get("headers", {}):
        if name not in now.get("headers", {}):
            yield f"the header {name} is gone"
            continue
        header = _header(before(was["headers"][name]), after(now["headers"][name]))
        yield from (f"the header {name}: {problem}" for problem in header)
    for media, content in was.get("content", {}).items():
        if media not in now.get("content", {}):
            yield f"{media} is answered no more"
            continue
        old, new = before(content.get("schema", {})), after(now["content"][media].get("schema", {}))
        yield from _answer(old, new) if status.startswith("2") else _error(old, new)


def _header(old: Node, new: Node) -> Iterator[str]:
    # a header is no schema, and is referred to in the same way
    (was,), (now,) = shapes.alternatives(old, old), shapes.alternatives(new, new)
    if was.get("required") and not now.get("required"):
        yield "it may be missing now"
    yield from (f"{misfit} now" for misfit in shapes.misfits(was.get("schema", {}), now.get("schema", {})))


def _answer(old: Node, new: Node) -> Iterator[str]:
    gone = shapes.lost(old, new)
    yield from (f"{'.'.join(path)} is gone" for path in gone)
    yield from (f"{misfit} now" for misfit in shapes.misfits(old, new) if misfit.path not in gone)


def _error(old: Node, new: Node) -> Iterator[str]:
    yield from (f"{'.'.join(path)} is gone" for path in shapes.lost(old, new))
    # more codes may come: whoever does not know one goes by the status
    yield from (f"{misfit} now" for misfit in shapes.misfits(old, new) if not misfit.is_new_value)
    yield from (f"{misfit} no more" for misfit in shapes.misfits(new, old) if misfit.is_new_value)
