"""The admin's page at /console: files without a build step, which call the same API as every other client."""

from importlib.resources import files

from flask import Blueprint

from gateway.pages import File, serve
from gateway.security_headers import PUBLIC

PATH = "/console"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Nothing inline, nothing from elsewhere, in no frame; and no text is ever read as markup or code, whatever it says."""

_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
}
_PAGE = "index.html"
# asked for anew each time: modules of two versions must not meet
_, _KEPT = PUBLIC


def console() -> Blueprint:
    """``/console`` and, below it, the style and the modules that it loads."""
    api = Blueprint("console", __name__)
    for found in files(__name__).joinpath("page").iterdir():
        kind = _KINDS[found.name.rpartition(".")[2]]
        path = PATH if found.name == _PAGE else f"{PATH}/{found.name}"
        serve(api, path, File(found.read_bytes(), kind, POLICY, _KEPT))
    return api
