"""The example plugins in a real environment: a healthy one beside a broken one and a conflicting one."""

from __future__ import annotations

import pytest
from environments import ROOT, make_environment

from gensynth.testing import CHECKS

pytestmark = pytest.mark.slow

EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    made = make_environment(tmp_path_factory.mktemp("plugins") / "environment", with_gensynth=True)
    made.install(*(EXAMPLES / f"gensynth-{name}" for name in ("toy", "broken", "rival")))
    return made


def test_all_are_found_and_the_broken_one_is_named_once(environment):
    done = environment.python_run(
        "from gensynth.registry import default_registry as d\n"
        "print(sorted({e.qualified_name for e in d().models()}))\n"
        "print([str(f) for f in d().failures])\n"
        "import sys; assert 'torch' not in sys.modules"
    )
    assert done.returncode == 0, done.stderr
    models, failures = done.stdout.splitlines()
    for name in ("gensynth/vae", "gensynth/vlae", "gensynth-rival/vae", "gensynth-toy/latent-classes"):
        assert repr(name) in models
    assert "broken of gensynth-broken 0.2.0 (ModuleNotFoundError: No module named" in failures
    assert done.stderr.count("PluginWarning") == 1


def test_strict_raises(environment):
    done = environment.python_run("import gensynth.registry as r; r.default_registry()", GENSYNTH_STRICT="1")
    assert done.returncode != 0
    assert "ModuleNotFoundError: No module named 'a_package_that_nobody_has'" in done.stderr


def test_subset_leaves_the_broken_one_out(environment):
    done = environment.python_run(
        "from gensynth.registry import default_registry as d; print([e.spec.name for e in d().models()])",
        GENSYNTH_PLUGINS="toy",
        PYTHONWARNINGS="error",
    )
    assert done.stdout.strip() == "['latent-classes']", done.stderr


def test_the_conflict_is_an_error_that_says_what_to_write(environment):
    done = environment.python_run(
        "from gensynth.registry import default_registry as d\n"
        "print(d().recipe('gensynth/vae').__name__, d().recipe('gensynth-toy/latent-classes').__name__)\n"
        "d().recipe('vae')"
    )
    assert done.stdout.strip() == "VAE LatentClasses"
    assert "several plugins have a model 'vae': write 'gensynth-rival/vae' or 'gensynth/vae'" in done.stderr


def test_the_command_line_lists_them(environment):
    command = "from gensynth.cli import main; main()"
    models = environment.run("python", "-c", command, "models")
    plugins = environment.run("python", "-c", command, "plugins")
    assert models.returncode == plugins.returncode == 0, models.stderr + plugins.stderr
    assert "latent-classes" in models.stdout
    assert "gensynth-broken" in plugins.stdout
    assert "0.2.0" in plugins.stdout


def test_the_healthy_one_augments_and_comes_back_from_a_file(environment, tmp_path):
    done = environment.python_run(
        "import pandas as pd, numpy as np\n"
        "from gensynth import Synthesizer, Trainer, load\n"
        "from gensynth.models import LatentClasses\n"
        "X = pd.DataFrame({'a': ['x', 'y'] * 50, 'b': np.arange(100.0)})\n"
        "trainer = Trainer(max_epochs=2, device='cpu')\n"
        "s = Synthesizer('gensynth-toy/latent-classes', trainer=trainer, random_state=0).fit(X)\n"
        f"path = {str(tmp_path / 'm.gensynth')!r}\n"
        "s.save(path)\n"
        "again = load(path)\n"
        "assert type(again.recipe_) is LatentClasses\n"
        "a, b = (m.sample(50, conditions={'a': 'y'}, random_state=1) for m in (s, again))\n"
        "pd.testing.assert_frame_equal(a, b); assert set(a['a']) == {'y'}; print('same')",
        PYTHONWARNINGS="ignore::gensynth.registry.PluginWarning",
    )
    assert done.stdout.strip() == "same", done.stderr


def test_a_file_names_the_plugin_that_is_missing(environment, tmp_path):
    path = tmp_path / "m.gensynth"
    made = environment.python_run(
        "import pandas as pd\n"
        "from gensynth import Synthesizer, Trainer\n"
        "X = pd.DataFrame({'a': ['x', 'y'] * 50})\n"
        "s = Synthesizer('latent-classes', trainer=Trainer(max_epochs=1, device='cpu'), random_state=0).fit(X)\n"
        f"s.save({str(path)!r})",
        GENSYNTH_PLUGINS="toy",
    )
    assert made.returncode == 0, made.stderr
    read = environment.python_run(f"import gensynth; gensynth.load({str(path)!r})", GENSYNTH_PLUGINS="gensynth_vae")
    assert read.returncode == 1
    assert "gensynth-toy" in read.stderr.splitlines()[-1]


def test_the_examples_contract_test_passes(environment):
    done = environment.run(
        "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "mixed",
        EXAMPLES / "gensynth-toy" / "tests",
        GENSYNTH_PLUGINS="toy",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(CHECKS)} passed" in done.stdout  # one case, every check
