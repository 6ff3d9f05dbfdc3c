"""A person's data as an export tells it."""

from datetime import datetime
from typing import Any

from chassis.clock import instant_text


def told(document: Any, *without: str) -> Any:
    """The document as JSON values, instants as text, without the fields named (hashes, claims, other people's)
    wherever in it they stand.
    """
    if isinstance(document, dict):
        return {key: told(value, *without) for key, value in document.items() if key not in without}
    if isinstance(document, list):
        return [told(item, *without) for item in document]
    return instant_text(document) if isinstance(document, datetime) else document
