"""What was released of each service: its contracts as data, its code out of the repository's history.

`contracts/released/<service>/release.json` names the version and the commit. The commit counts: a clone may lack tags.
"""

import io
import json
import shutil
import subprocess
import tarfile
from dataclasses import dataclass, replace

from devkit import say, setup, venvs
from devkit.layout import LOCAL, ROOT, Service

RELEASED = ROOT / "contracts" / "released"


@dataclass(frozen=True)
class Release:
    version: str
    commit: str


def latest(service: Service) -> Release:
    """The last release of a service. Raises Failure if there was none."""
    note = RELEASED / service.folder_name / "release.json"
    if not note.exists():
        raise say.Failure(f"{service.folder_name} was never released: {note.relative_to(ROOT)} is missing")
    return Release(**json.loads(note.read_text()))


def has_history(commit: str) -> bool:
    """Whether this checkout can give the code of that commit."""
    asked = ["git", "cat-file", "-e", f"{commit}^{{commit}}"]
    try:
        return subprocess.run(asked, cwd=ROOT, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def as_released(service: Service) -> Service:
    """The service as it was released: its code, chassis and contracts under `.local/released`, its own environment.

    Raises Failure if the history that it is taken from is not here.
    """
    release = latest(service)
    if not has_history(release.commit):
        raise say.Failure(
            f"{service.folder_name} {release.version} is commit {release.commit}, which is not in this checkout's "
            "history: make a full clone (or git fetch --unshallow)"
        )
    old = replace(service, root=LOCAL / "released" / release.commit[:12])
    _extract(release.commit, old)
    setup.ensure([venvs.TOOLS, venvs.runtime(old)])
    return old


def _extract(commit: str, old: Service) -> None:
    for name in ("chassis", "contracts", old.folder_name):
        if (old.root / name).exists():
            continue
        # into its place at once when it is complete: what is there is whole
        unfinished = old.root / f"{name}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        archive = subprocess.run(["git", "archive", commit, name], cwd=ROOT, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(unfinished, filter="data")
        (unfinished / name).rename(old.root / name)
        shutil.rmtree(unfinished)
