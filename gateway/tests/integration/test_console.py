"""The admins' page as a browser asks for it: whole, small, and with nothing in it that its policy would not let run."""

import re
from importlib.resources import files

import pytest
from stand_ins import Gateway

PAGE = files("gateway.console").joinpath("page")
NAMES = sorted(found.name for found in PAGE.iterdir())
MOST_BYTES = 64 * 1024
"""Of all that a first visit loads: who looks at it on a bad line has better things to wait for."""


def test_the_page_loads_every_file_of_its_own_and_no_other(gateway: Gateway) -> None:
    text = gateway.ask("GET", "/console").raw.decode()
    loaded = set(re.findall(r'(?:src|href)="/console/([^"]+)"', text))
    modules = {name: gateway.ask("GET", f"/console/{name}").raw.decode() for name in loaded if name.endswith(".js")}
    imported = {name for module in modules.values() for name in re.findall(r'from "\./([^"]+)";', module)}
    # a module that is imported and not named in the page would be asked for only when the first has been read
    assert imported <= loaded
    assert loaded | {"index.html"} == set(NAMES)
    elsewhere = re.findall(r'(?:src|href)="(?!/console/|#|data:,)([^"]*)"', text)
    assert elsewhere == []
    assert len(text) + sum(len(gateway.ask("GET", f"/console/{name}").raw) for name in loaded) < MOST_BYTES


def test_nothing_is_inline_and_no_text_becomes_markup(gateway: Gateway) -> None:
    text = gateway.ask("GET", "/console").raw.decode()
    assert not re.search(r"<script[^>]*>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:", text)
    for name in NAMES:
        if name.endswith(".js"):
            risky = r"(inner|outer|Adjacent)HTML|document\.write|\beval\(|new Function"
            assert not re.search(risky, PAGE.joinpath(name).read_text()), name


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_sent_whole_once_with_its_policy(gateway: Gateway, name: str) -> None:
    path = "/console" if name == "index.html" else f"/console/{name}"
    answer = gateway.ask("GET", path)
    assert (answer.status, answer.raw) == (200, PAGE.joinpath(name).read_bytes())
    kinds = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
    assert answer.headers["Content-Type"] == f"{kinds[name.rpartition('.')[2]]}; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    for part in (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ):
        assert part in policy
    again = gateway.ask("GET", path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.raw) == (304, b"")


def test_there_is_nothing_else_below_it(gateway: Gateway) -> None:
    for path in ("/console/../console/__init__.py", "/console/__init__.py", "/console/index.html", "/console/"):
        assert gateway.ask("GET", path).status == 404
