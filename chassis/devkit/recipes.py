"""How one process is started: its command, folder, environment, and what must be clear before it."""

import hashlib
import json
import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from devkit.layout import DEVKIT, venv_python


def base_environment(path: str = "") -> dict[str, str]:
    """What every process gets, and nothing that differs from one shell of the developer to the next."""
    usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {
        "PATH": f"{path}:{usual}" if path else usual,
        "HOME": pwd.getpwuid(os.getuid()).pw_dir,
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
    }


@dataclass(frozen=True)
class Recipe:
    argv: list[str]
    cwd: str
    env: dict[str, str]
    empty: list[str] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)
    dies_with: int = 0
    #: Not used by the launcher: a change of it (a rebuilt environment) makes `up` restart the process.
    built_from: str = ""

    def save(self, path: Path) -> list[str]:
        """Write the recipe for this user only, and return the command that follows it."""
        text = json.dumps(asdict(self), indent=1, sort_keys=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(text)
        # The digest is there for supervisord to notice a change; the launcher does not read it.
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        return [str(venv_python("tools")), "-I", "-S", str(DEVKIT / "launch.py"), str(path), digest]

    def start(self, path: Path, log: Path, pass_fds: Sequence[int] = ()) -> subprocess.Popen[bytes]:
        """Start it now, in a group of its own, writing to `log`."""
        command = self.save(path)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                pass_fds=pass_fds,
                start_new_session=True,
            )
