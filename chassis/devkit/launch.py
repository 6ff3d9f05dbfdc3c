"""Become a process of the suite: `python -I -S launch.py <recipe.json>`.

A recipe holds the command, its whole environment and what to clear first. So secrets stay out of supervisord's
configuration and of `ps`, a variable of the developer's shell never leaks into a service, and every restart, also one
that supervisord does by itself, begins with clean metrics and without an old heartbeat. It runs without devkit.
"""

import ctypes
import json
import os
import shutil
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as source:
        recipe = json.load(source)
    for folder in recipe["empty"]:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder, exist_ok=True)
    for file in recipe["remove"]:
        if os.path.exists(file):
            os.unlink(file)
    parent = recipe["dies_with"]
    if parent:
        # A test run that is killed outright cannot tidy up: let the kernel end what it started.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit("the process that started this one is gone already")
    os.chdir(recipe["cwd"])
    os.execve(recipe["argv"][0], recipe["argv"], recipe["env"])


main()
