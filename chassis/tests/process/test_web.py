"""The web process as it is run: gunicorn with gevent workers."""

import http.client
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import requests

import chassis
from devkit import say, workers
from devkit.health import Check
from devkit.ports import free_port
from devkit.processes import Process
from devkit.pytest_plugin import StartedProcess
from devkit.recipes import Recipe
from devkit.supervisor import State, Supervisor
from devkit.testing import JWT_SECRET, scrape
from devkit.waiting import eventually

HERE = Path(__file__).parent
MEBIBYTE = 1024 * 1024


def start_web(
    start: Callable[..., StartedProcess], variables: dict[str, str], *more: str, app: str = "web:app"
) -> StartedProcess:
    env = {
        "THING_SOURCE": "thing-service",
        "THING_NAME": "thing-service",
        "PYTHONPATH": str(Path(chassis.__file__).parents[1]),
        **variables,
    }
    arguments = ["-c", "python:chassis.gunicorn_conf", *more, f"thing_service.{app}"]
    return start("gunicorn", env=env, arguments=arguments, cwd=HERE)


def serving(
    start: Callable[..., StartedProcess], *more: str, workers: int = 1, **given: str
) -> tuple[StartedProcess, int]:
    """A web process that answers, and its port."""
    port = free_port()
    variables = {"PORT": str(port), "JWT_SECRET": JWT_SECRET, "WEB_CONCURRENCY": str(workers), **given}
    process = start_web(start, variables, *more)

    def alive() -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{port}/health/live", timeout=5).ok
        except (requests.ConnectionError, requests.Timeout):
            # not yet: the socket listens before a worker is there to answer
            return False

    eventually(alive, timeout=20)
    return process, port


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a web process that the tests share."""
    started: list[StartedProcess] = []

    def start(module: str, *, env: dict[str, str], arguments: list[str], cwd: Path) -> StartedProcess:
        log = tmp_path_factory.mktemp("web") / "log"
        started.append(StartedProcess([sys.executable, "-m", module, *arguments], env, cwd, log))
        return started[0]

    yield serving(start)[1]
    started[0].stop()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"JWT_SECRET": "canary"}, "JWT_SECRET: must have at least 32 characters"),
        ({"WEB_CONCURRENCY": "0"}, "WEB_CONCURRENCY: must be a whole number from 1 to 256"),
        ({"PORT": "65536"}, "PORT: must be a whole number from 0 to 65535"),
    ],
)
def test_a_web_process_with_a_wrong_variable_ends_and_names_it(
    start_process: Callable[..., StartedProcess], wrong: dict[str, str], told: str
) -> None:
    process = start_web(start_process, {"PORT": "0", "JWT_SECRET": JWT_SECRET, **wrong})
    eventually(lambda: not process.is_alive(), timeout=20)
    assert process.stop() != 0
    assert f"configuration: {told}" in process.log
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


Connect = Callable[[int], http.client.HTTPConnection]


@pytest.fixture
def connected() -> Iterator[Connect]:
    """Makes connections that are kept open: each had an answer already."""
    with ExitStack() as stack:

        def connect(port: int) -> http.client.HTTPConnection:
            connection = stack.enter_context(closing(http.client.HTTPConnection("127.0.0.1", port, timeout=15)))
            connection.request("GET", "/health/live")
            connection.getresponse().read()
            return connection

        yield connect


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_from_sigterm_on_what_was_sent_is_answered_and_what_is_silent_is_let_go(
    start_process: Callable[..., StartedProcess], connected: Connect
) -> None:
    process, port = serving(start_process, workers=2)
    under_way, used_again, silent = connected(port), connected(port), connected(port)
    under_way.request("GET", "/api/v1/late")
    began = time.monotonic()
    os.kill(process.pid, signal.SIGTERM)
    eventually(lambda: refuses(port))

    used_again.request("GET", "/health/live")
    answer = used_again.getresponse()
    assert (answer.status, answer.headers["Connection"]) == (200, "close")

    answer = under_way.getresponse()
    assert answer.status == 200
    assert b"whole" in answer.read()

    assert silent.sock.recv(1) == b""
    assert process.child.wait(15) == 0
    # not after the graceful_timeout: a connection that is merely open holds up nothing
    assert time.monotonic() - began < 10


def test_no_connection_is_reset_or_left_waiting_as_the_listener_closes(
    start_process: Callable[..., StartedProcess],
) -> None:
    process, port = serving(start_process)
    told: list[int] = []

    def knock() -> None:
        """Connect anew, ask and be answered, until refused."""
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                connection.connect()
            except ConnectionRefusedError:
                return
            with closing(connection):
                connection.request("GET", "/health/live", headers={"Connection": "close"})
                told.append(connection.getresponse().status)

    with ThreadPoolExecutor(8) as pool:
        knocking = [pool.submit(knock) for _ in range(8)]
        eventually(lambda: len(told) > 50)
        os.kill(process.pid, signal.SIGTERM)
        for each in knocking:
            each.result(20)
    assert set(told) == {200}


def test_a_request_that_never_ends_does_not_hold_up_the_end(
    start_process: Callable[..., StartedProcess], connected: Connect
) -> None:
    process, port = serving(start_process, "--graceful-timeout", "3")
    hanging, sending, beginning = connected(port), connected(port), connected(port)
    hanging.request("GET", "/api/v1/never")
    sending.putrequest("POST", "/api/v1/blob")
    sending.putheader("Content-Type", "application/json")
    sending.putheader("Content-Length", "100")
    sending.endheaders(b"{")
    beginning.sock.sendall(b"GET /health/live HTTP/1.1\r\nHost: ")
    began = time.monotonic()
    # a second one changes nothing
    os.kill(process.pid, signal.SIGTERM)
    os.kill(process.pid, signal.SIGTERM)
    assert process.child.wait(15) == 0
    assert time.monotonic() - began < 10
    assert "Requests cut off" in process.log


@pytest.mark.parametrize("app", ["never_loads", "loses_the_exit:app"])
def test_a_process_that_has_not_begun_to_serve_ends_at_once(
    start_process: Callable[..., StartedProcess], app: str
) -> None:
    process = start_web(start_process, {"PORT": "0", "JWT_SECRET": JWT_SECRET}, app=app)
    # from there on the worker hears signals: between its fork and that gunicorn loses them
    eventually(lambda: "waiting" in process.log)
    began = time.monotonic()
    os.kill(process.pid, signal.SIGTERM)
    process.child.wait(30)
    assert time.monotonic() - began < 10


def test_new_code_replaces_the_old_without_a_gap_and_code_that_does_not_load_replaces_nothing(
    start_process: Callable[..., StartedProcess], tmp_path: Path
) -> None:
    process, port = serving(start_process)
    old = workers.serving(process.pid)
    (tmp_path / "gunicorn.conf.py").touch()
    (tmp_path / "process").mkdir()
    (tmp_path / "process" / "thing-web.json").write_text(json.dumps({"built_from": ""}))

    def renew(app: str) -> bool:
        argv = [str(Path(sys.executable).with_name("gunicorn")), "-c", "python:chassis.gunicorn_conf", app]
        variables = {"THING_SOURCE": "thing-service", "THING_NAME": "thing-service", "JWT_SECRET": JWT_SECRET}
        recipe = Recipe(argv, str(tmp_path), {**variables, "PYTHONPATH": str(HERE)})
        state = State("thing-web", "RUNNING", process.pid, int(time.time()) + 60, int(time.time()))
        supervisor = Supervisor(tmp_path)
        supervisor.states = lambda: {"thing-web": state}  # type: ignore[method-assign]
        return workers.renew(Process("thing-web", recipe, Check("http", port)), supervisor)

    with pytest.raises(say.Failure, match="left as it was"):
        renew("thing_service.gone:app")
    assert workers.serving(process.pid) == old

    done = Event()

    def ask() -> set[int]:
        told = set()
        while not done.is_set():
            told.add(requests.get(f"http://127.0.0.1:{port}/health/live", timeout=10).status_code)
        return told

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        try:
            assert renew("thing_service.web:app")
        finally:
            done.set()
        assert [each.result() for each in asking] == [{200}, {200}]
    new = workers.serving(process.pid)
    assert len(new) == 1
    assert not new & old


BELLS = ("http_requests_total", ("POST", "/api/v1/bell", "thing-service", "200"))
SERVING = ("http_workers", ())


def test_the_sum_over_workers_is_exact_and_outlives_each_of_them(start_process: Callable[..., StartedProcess]) -> None:
    process, port = serving(start_process, workers=2)
    eventually(lambda: len(workers.serving(process.pid)) == 2, timeout=60)

    def ring(_: int) -> int:
        return requests.post(f"http://127.0.0.1:{port}/api/v1/bell", timeout=10).status_code

    def ring_often() -> None:
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(ring, range(100))) == {200}

    ring_often()
    # whoever of the two answers
    assert {scrape(port)[BELLS] for _ in range(10)} == {100}
    assert scrape(port)[SERVING] == 2

    killed = sorted(workers.serving(process.pid))[0]
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: len(workers.serving(process.pid) - {killed}) == 2, timeout=60)
    # what it counted stays, and it is not among those that serve
    assert eventually(lambda: scrape(port)[SERVING] == 2)
    ring_often()
    assert scrape(port)[BELLS] == 200

    before = workers.serving(process.pid)
    os.kill(process.pid, signal.SIGHUP)
    told = []

    def replaced() -> bool:
        told.append(scrape(port)[BELLS])
        after = workers.serving(process.pid)
        return len(after) == 2 and not after & before

    eventually(replaced, timeout=60)
    assert set(told) == {200}
    assert eventually(lambda: scrape(port)[SERVING] == 2)
    ring_often()
    assert scrape(port)[BELLS] == 300


def test_of_a_folder_that_was_given_only_what_was_counted_is_removed(
    start_process: Callable[..., StartedProcess], tmp_path: Path
) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    kept = folder / "kept"
    kept.write_text("not ours")
    process, _ = serving(start_process, PROMETHEUS_MULTIPROC_DIR=str(folder))
    assert list(folder.glob("*.db"))
    process.stop()
    assert list(folder.iterdir()) == [kept]
