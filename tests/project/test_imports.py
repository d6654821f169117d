"""What importing gensynth does not import: the command line must answer at once, discovery must be light."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"torch", "pandas", "sklearn", "numpy", "scipy", "pyarrow", "onnx", "jinja2", "ray"}


def imported_by(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after a statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


LIGHT = {
    "the package and its command line": "import gensynth, gensynth.cli",
    "the hooks and the errors": "import gensynth.hookspecs, gensynth.errors, gensynth.files",
    "the registry": "import gensynth.registry, gensynth.models",
    "finding every plugin": "from gensynth.registry import default_registry as d; assert d().models()",
    "the plugins": "import gensynth_vae, gensynth_gan",
    "the names of recipes": "import gensynth.models; assert dir(gensynth.models)",
    "public names": "import gensynth; dir(gensynth); gensynth.hookimpl; gensynth.ModelSpec",
    "the command line's help": (
        "import sys, contextlib, io\n"
        "from gensynth.cli import main\n"
        "sys.argv = ['gensynth', '--help']\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()): main()"
    ),
    "the list of models": (
        "import sys, contextlib, io\n"
        "from gensynth.cli import main\n"
        "sys.argv = ['gensynth', 'models']\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()): main()"
    ),
}


@pytest.mark.parametrize("what", LIGHT)
def test_imports_nothing_heavy(what):
    assert not imported_by(LIGHT[what]) & HEAVY


@pytest.mark.parametrize("module", ["schema", "tables", "encoding", "layout", "metrics", "datasets"])
def test_tables_need_no_torch(module):
    assert "torch" not in imported_by(f"import gensynth.{module}")


def test_this_test_can_fail():
    found = imported_by("import gensynth.model")
    assert {"torch", "numpy"} <= found & HEAVY


def test_every_public_name_resolves():
    import gensynth

    assert set(gensynth.__all__) == {"__version__", *gensynth._HOME}
    for name in dir(gensynth):
        assert getattr(gensynth, name) is not None
    with pytest.raises(AttributeError, match="Absent"):
        _ = gensynth.Absent
