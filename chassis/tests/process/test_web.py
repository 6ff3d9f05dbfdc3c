"""The web process as it is run: gunicorn with gevent workers."""

import http.client
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from chassis import gunicorn_conf
from devkit.pytest_plugin import StartedProcess
from devkit.testing import JWT_SECRET
from devkit.waiting import eventually

HERE = Path(__file__).parent
MEBIBYTE = 1024 * 1024


def start_web(start_process: Callable[..., StartedProcess], variables: dict[str, str]) -> StartedProcess:
    env = {
        "THING_SOURCE": "thing-service",
        "THING_NAME": "thing-service",
        "PYTHONPATH": str(Path(gunicorn_conf.__file__).parents[1]),
        **variables,
    }
    arguments = ["-c", "python:chassis.gunicorn_conf", "thing_service.web:app"]
    return start_process("gunicorn", env=env, arguments=arguments, cwd=HERE)


@pytest.fixture
def web(start_process: Callable[..., StartedProcess]) -> int:
    """The port of a web process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    start_web(start_process, {"PORT": str(port), "JWT_SECRET": JWT_SECRET})

    def alive() -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{port}/health/live", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            # not yet: the socket listens before a worker is there to answer
            return False

    eventually(alive, timeout=20)
    return port


def test_a_web_process_with_a_wrong_variable_ends_and_names_it(start_process: Callable[..., StartedProcess]) -> None:
    process = start_web(start_process, {"PORT": "0", "JWT_SECRET": "canary"})
    eventually(lambda: not process.is_alive(), timeout=20)
    assert process.stop() != 0
    assert "configuration: JWT_SECRET: must have at least 32 characters" in process.log
    assert "canary" not in process.log


def send(port: int, path: str, body: Any, **options: Any) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", f"/api/v1{path}", body, {"Content-Type": "application/json"}, **options)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def blob(size: int) -> Iterator[bytes]:
    yield b'{"text": "'
    for _ in range(size // 1024):
        yield b"x" * 1024
    yield b'"}'


def test_a_body_in_chunks_is_read_up_to_a_mebibyte(web: int) -> None:
    assert send(web, "/blob", blob(10 * 1024), encode_chunked=True) == (
        200,
        b'{"success":true,"message":"OK","data":10240}',
    )
    for path in ("/blob", "/bell"):
        status, body = send(web, path, blob(MEBIBYTE), encode_chunked=True)
        assert status == 413, path
        assert b'"PAYLOAD_TOO_LARGE"' in body


def test_a_body_with_its_length_told_is_read_up_to_a_mebibyte(web: int) -> None:
    for path in ("/blob", "/bell"):
        status, body = send(web, path, b" " * (MEBIBYTE + 1))
        assert status == 413, path
        assert b'"PAYLOAD_TOO_LARGE"' in body


def test_each_of_many_requests_at_once_keeps_its_own_id(web: int) -> None:
    def ask(number: int) -> tuple[list[str], str]:
        own = {"X-Request-Id": f"r{number}"}
        answer = requests.get(f"http://127.0.0.1:{web}/api/v1/slowly", headers=own, timeout=10)
        return answer.json()["data"], answer.headers["X-Request-Id"]

    with ThreadPoolExecutor(20) as pool:
        for number, (data, echoed) in enumerate(pool.map(ask, range(60))):
            assert data == [f"r{number}"] * 2
            assert echoed == f"r{number}"


def test_garbage_does_not_end_it(web: int) -> None:
    for garbage in (
        b"\x00\xff\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /api/v1/blob HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", web), timeout=5) as raw:
            raw.sendall(garbage)
            raw.recv(1024)
    assert send(web, "/blob", b'{"text": "ok"}')[0] == 200
