"""Sees that the browser tests have a Chromium: the system's, else from apt, else Playwright's own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main() -> None:
    """Does nothing where there is one."""
    if find():
        return
    print("The browser tests need Chromium; looking for one to install.", file=sys.stderr)
    install_with_apt()
    if find():
        return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    if not find():
        sys.exit(
            "No Chromium could be found or installed, and the browser tests need one. Install the package chromium of your "
            "system, or run: .venv/bin/playwright install --with-deps chromium"
        )


def find() -> str | None:
    """Where a Chromium that starts is, or None."""
    candidates = [shutil.which(name) for name in NAMES] + [playwrights_own()]
    return next((path for path in candidates if path and starts(path)), None)


def starts(path: str) -> bool:
    """Whether it can at least say its version: some systems have a stub that only names a snap."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def playwrights_own() -> str | None:
    """The browser that ``playwright install`` fetched, if it did."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install_with_apt() -> None:
    """As root, or with a sudo that asks nothing."""
    apt = shutil.which("apt-get")
    if not apt:
        return
    prefix = []
    if os.geteuid() != 0:
        sudo = shutil.which("sudo")
        if not sudo or subprocess.run([sudo, "--non-interactive", "true"], capture_output=True, check=False).returncode:
            return
        prefix = [sudo, "--non-interactive"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if subprocess.run([*prefix, apt, "install", "-y", "chromium"], env=environment, check=False, **quiet).returncode:
        subprocess.run([*prefix, apt, "update"], env=environment, check=False, **quiet)
        subprocess.run([*prefix, apt, "install", "-y", "chromium"], env=environment, check=False, **quiet)


if __name__ == "__main__":
    main()
