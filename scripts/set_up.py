"""Makes ``.venv`` with everything in it. Runs on a bare Python 3.11 or newer; doing it again only mends what is missing."""

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv"
PYTHON = FOLDER / "bin" / "python"
OLDEST = (3, 11)


def main() -> None:
    """The virtual environment, uv in it, then the project, its tools and its front-end packages."""
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"Stamgast needs Python 3.11 or newer; {sys.executable} is {found}. Name another: make PYTHON=python3.12")
    if not works(PYTHON, "-c", "import sys; raise SystemExit(sys.version_info < (3, 11))"):
        print("Making a virtual environment in .venv.", flush=True)
        make_environment()
    uv = FOLDER / "bin" / "uv"
    print("Installing the packages into .venv (1.2 GB, the first time only).", flush=True)
    if not works(uv, "--version"):
        install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run("uv could not be installed into .venv", PYTHON, *install, "uv>=0.9")
    run(
        "The packages could not be installed",
        uv, "pip", "install", "--quiet", "--python", PYTHON, "--editable", ".[demo]", "--group", "dev", "hatchling>=1.27",
    )  # fmt: skip
    print("Building the console's styles and scripts.", flush=True)
    run("The console's styles and scripts could not be built", PYTHON, "hatch_build.py")


def make_environment() -> None:
    """With pip from the standard library; Debian and Ubuntu ship it apart, so say so where it is missing."""
    try:
        venv.create(FOLDER, with_pip=True, clear=True)
    except (subprocess.CalledProcessError, OSError, ImportError):
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        sys.exit(
            "This Python cannot make a virtual environment with pip in it. On Debian and Ubuntu: "
            f"apt-get install python{version}-venv. Or install uv and run: uv venv --seed {FOLDER}"
        )


def works(*command: object) -> bool:
    """Whether a command is there and succeeds."""
    try:
        return subprocess.run([str(part) for part in command], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run(sorry: str, *command: object) -> None:
    """Runs a step, showing what it says; ends with a sentence when it fails."""
    if subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode:
        sys.exit(f"{sorry}: see above. A network is needed the first time.")


if __name__ == "__main__":
    main()
