"""A browser for tests of pages: the distribution's Chromium, with the driver of the same version."""

import shutil

from devkit import debian

BROWSER = "chromium"
DRIVER = "chromedriver"


def ensure_installed() -> None:
    if shutil.which(BROWSER) is None or shutil.which(DRIVER) is None:
        debian.install("chromium", "chromium-driver", because="Chromium or its driver is not installed")
