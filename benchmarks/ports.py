"""Ports of servers that stand beside the suite."""

import socket

import requests


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def answers(url: str) -> bool:
    """Whether somebody does, and well."""
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False
