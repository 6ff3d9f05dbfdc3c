"""One run of schemathesis against a suite that is up."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from devkit.layout import CHASSIS, ROOT

ALMOST_ALL = 85
"""Of the 90 operations: for some no example of each kind is found at the first try."""

_HERE = Path(__file__).parent


def fuzzed(
    url: str,
    admin: tuple[str, str],
    *,
    examples: int,
    seed: int,
    phases: str = "examples,coverage,fuzzing,stateful",
    tokens: Mapping[str, str] | None = None,
    config: str = "schemathesis.toml",
    workers: int = 2,
) -> tuple[bool, str]:
    """Whether every check held, of almost all operations, and all that schemathesis says about it.

    ``admin`` is an e-mail address and a password; ``tokens`` ({role: access token}) are for a suite in which nobody
    can sign in. ``examples`` are for each operation and phase.
    """
    options = ["--checks", "all", "--phases", phases, "--max-examples", str(examples), "--seed", str(seed)]
    options += ["--workers", str(workers), "--continue-on-failure", "--suppress-health-check", "all"]
    options += ["--exclude-path", "/metrics", "--request-timeout", "30"]
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{CHASSIS}",
        "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks",
        "FUZZ_URL": url,
        "FUZZ_ADMIN_EMAIL": admin[0],
        "FUZZ_ADMIN_PASSWORD": admin[1],
        **({"FUZZ_TOKENS": json.dumps(tokens)} if tokens else {}),
    }
    program = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(_HERE / config)]
    done = subprocess.run(
        [*program, "run", f"{url}/openapi.json", *options],
        cwd=ROOT / ".local",
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    tested = re.search(r"Tested: (\d+)", done.stdout)
    return done.returncode == 0 and tested is not None and int(tested[1]) >= ALMOST_ALL, done.stdout
