"""`make can-deploy` and `make release`, in an environment where the services' libraries are.

python -m devkit.contracts.command can-deploy review-service
python -m devkit.contracts.command release 1.1.0 [review-service]
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

from devkit import say
from devkit.contracts import beside, evolution, sides, statements
from devkit.contracts.sides import Side, Sides
from devkit.layout import ROOT, SERVICES


def verdict(name: str, here: Sides, released: Sides) -> list[str]:
    """Why this checkout's version of a service may not go out beside the others as they were released; or nothing."""
    mine = here[name]
    reasons = evolution.breaks(released[name], mine, released) if name in released else []
    # what is read of one's own events and methods is old and new for a while, too
    reasons += [problem for other in released.values() for problem in beside.unmet(mine, other)]
    unknown = beside.providers(mine) - released.keys() - {name}
    reasons += [f"{mine} expects something of {other}, which was never released" for other in sorted(unknown)]
    if name == "gateway":
        reasons += [problem for other, present in here.items() for problem in _unserved(present, released.get(other))]
    return list(dict.fromkeys(reasons))


def _unserved(present: Side, released: Side | None) -> list[str]:
    served = {(route["method"], route["path"]) for route in released.routes} if released else set()
    routed = {(route["method"], route["path"]) for route in present.routes}
    who = released or f"{present.name}, which was never released,"
    return [f"it routes {' '.join(route)}, which {who} does not serve" for route in sorted(routed - served)]


def can_deploy(name: str) -> int:
    here, released = sides.of_checkout(), sides.released()
    service = next(service for service in SERVICES if service.folder_name == name)
    if statements.of(service) != here[name].statement:
        raise say.Failure(
            f"contracts/statements/{name}.json is not what the code says: "
            f'UPDATE_CONTRACTS=1 make test SUITES={name} ARGS="-k contract" writes it'
        )
    reasons = verdict(name, here, released)
    others = ", ".join(str(side) for other, side in released.items() if other != name)
    if reasons:
        say.line(f"{here[name]}, may NOT go out beside {others}:")
        for reason in reasons:
            say.line(f"  - {reason}")
        return 1
    say.line(f"{here[name]}, may go out beside {others}.")
    return 0


def release(version: str, name: str | None) -> int:
    """Note what is released; refuse where that breaks what was."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise say.Failure(f"VERSION={version} is not like 1.1.0")
    if changed := _git("status", "--porcelain"):
        raise say.Failure(f"commit first, for a release is a commit: {changed.splitlines()[0].strip()}")
    here, released = sides.of_checkout(), sides.released()
    chosen = [name] if name else list(here)
    for each in chosen:
        was = released.get(each)
        if was and _numbers(version) <= _numbers(was.version):
            raise say.Failure(f"{was} is released already: choose a higher VERSION")
        if reasons := evolution.breaks(was, here[each], released) if was else []:
            raise say.Failure("\n  - ".join([f"{each} {version} would break what is released:", *reasons]))
    commit = _git("rev-parse", "HEAD")
    for each in chosen:
        sides.keep(replace(here[each], version=version), commit)
    tag = f"{name}-v{version}" if name else f"v{version}"
    say.line(f"Noted in contracts/released: {', '.join(chosen)} {version}, commit {commit}. Now:")
    say.line(f'  git add contracts/released && git commit -m "Released: {tag}" && git tag -a {tag} -m {tag} {commit}')
    say.line("and push both where the team does.")
    return 0


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise say.Failure(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def main(arguments: Sequence[str]) -> int:
    action, *rest = arguments
    if action == "can-deploy":
        return can_deploy(rest[0])
    return release(rest[0], rest[1] if len(rest) > 1 else None)


if __name__ == "__main__":
    raise SystemExit(say.failures_of(lambda: main(sys.argv[1:])))
