"""A suite for tests: its own folder, ports, servers and secrets, beside whatever `make up` runs."""

import atexit
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from devkit import dotenv, say, setup, venvs
from devkit.layout import LOCAL
from devkit.suite import Instance


class TrialInstance(Instance):
    dies_with = os.getpid()
    #: Set it to keep the folder, with its logs and data, for a look.
    keep = False


@contextmanager
def running(
    settings: Mapping[str, str] | None = None, kind: Callable[..., TrialInstance] = TrialInstance
) -> Iterator[TrialInstance]:
    """Start a suite with `settings` on top of random secrets; stop it afterwards, and remove it unless it failed."""
    setup.ensure([venvs.TOOLS, *setup.runtimes()], needs_mongod=True, needs_rabbitmq=True)
    folder = LOCAL / f"test-{secrets.token_hex(4)}"
    instance = kind(folder, {**dotenv.fresh(), **(settings or {})})
    quietly = partial(instance.down, lambda _: None)
    atexit.register(quietly)
    try:
        instance.up(lambda _: None)
        yield instance
    except Exception:
        instance.keep = True
        raise
    finally:
        quietly()
        atexit.unregister(quietly)
        if instance.keep:
            say.line(f"kept for a look, logs and data: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
