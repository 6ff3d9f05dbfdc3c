"""Servers that stand beside the suite, for it to be compared with."""

import requests


def answers(url: str) -> bool:
    """Whether somebody does, and well."""
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False
