"""Real virtual environments for tests: empty but for the dependencies of the environment that runs the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run(
        self, *arguments: str | Path, cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one of the environment's programs and return how it ended."""
        program, *rest = map(str, arguments)
        hidden = ("GENSYNTH_", "PYTHON", "TYPER_", "PIP_REQUIRE")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
        return subprocess.run(
            [str(self.folder / "bin" / program), *rest],
            capture_output=True,
            text=True,
            cwd=cwd or self.folder,
            env=inherited | variables,
            timeout=300,
            check=False,
        )

    def python_run(self, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a piece of Python."""
        return self.run("python", "-c", code, cwd=None, **variables)

    def install(self, *what: Path, editable: bool = False) -> None:
        """Install packages from this machine alone, without their dependencies."""
        command = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet", "--no-deps"]
        command += ["--no-build-isolation", "--no-index", "--disable-pip-version-check"]
        for path in what:
            command += ["--editable", str(path)] if editable else [str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def make_environment(folder: Path, *, with_gensynth: bool) -> Environment:
    """Make an environment that sees the packages installed here.

    Without gensynth: every package but gensynth itself, which is then to be installed from a wheel.
    """
    venv.create(folder, symlinks=True, with_pip=False)
    environment = Environment(folder)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / "lib" / version / "site-packages"
    here = list(dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))))
    if with_gensynth:
        # addsitedir also follows the .pth file of an editable install
        (site / "shared.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in here))
        return environment
    shared = folder / "shared"
    shared.mkdir()
    for path in map(Path, here):
        for entry in path.iterdir():
            if "gensynth" not in entry.name and entry.suffix != ".pth" and not (shared / entry.name).exists():
                (shared / entry.name).symlink_to(entry)
    (site / "shared.pth").write_text(f"{shared}\n")
    return environment
