"""Whether an OpenAPI document explains itself: every field described, every example good."""

import json
from collections.abc import Iterator
from typing import Any

from flask import Flask
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import ValidationError

from chassis.api import operations
from chassis.headers import JSON
from chassis.openapi import Node, path_of
from chassis.schemas import Body


def undescribed(document: Node) -> list[str]:
    """Where in the document a field of a shape, a parameter or a header has no description."""
    return [where for where, node in _explicable(document, "#") if not _is_described(node, document)]


def bad_examples(app: Flask, document: Node) -> list[str]:
    """Bodies without an example of their own, or whose example the route (or the document's schema) would refuse."""
    found = []
    for operation in operations(app):
        if operation.body is None:
            continue
        content = document["paths"][path_of(operation)][operation.method.lower()]["requestBody"]["content"][JSON]
        schema = {"components": document["components"], **content["schema"]}
        wrong = [error.message for error in _validator(schema).iter_errors(content["example"])]
        if operation.body.example is Body.example:
            wrong.append("there is none")
        try:
            operation.body.model_validate_json(json.dumps(content["example"]))
        except ValidationError as error:
            wrong.append(str(error))
        found += [f"{operation.method} {operation.path}: {problem}" for problem in wrong]
    return found


def _validator(schema: Node) -> Draft202012Validator:
    return Draft202012Validator(schema, format_checker=FormatChecker())


def _explicable(node: Any, where: str) -> Iterator[tuple[str, Node]]:
    """Everything in the document that a reader may ask the meaning of, and where it is."""
    if isinstance(node, list):
        for position, item in enumerate(node):
            if isinstance(item, dict) and {"name", "in"} <= item.keys():
                yield f"{where}/{item['name']}", item
            # what narrows a field down in another branch is described there
            elif not where.endswith("/allOf"):
                yield from _explicable(item, f"{where}/{position}")
    elif isinstance(node, dict):
        for kind in ("properties", "headers"):
            for name, field in node.get(kind, {}).items():
                yield f"{where}/{kind}/{name}", field
        for name, item in node.items():
            if name != "example":
                yield from _explicable(item, f"{where}/{name}")


def _is_described(node: Node, document: Node) -> bool:
    if node.get("description"):
        return True
    if "$ref" in node:
        target: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return _is_described(target, document)
    choices = [choice for choice in node.get("anyOf", ()) if choice.get("type") != "null"]
    return bool(choices) and all(_is_described(choice, document) for choice in choices)
