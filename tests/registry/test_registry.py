"""The behaviour table of discovery, in this process: plugins are modules written into a temporary folder."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import warnings

import pytest

import gensynth.models
from gensynth.errors import PluginError, UnknownModelError
from gensynth.hookspecs import ModelSpec
from gensynth.registry import PluginWarning, Registry, default_registry

HEAD = "from gensynth import ModelSpec, hookimpl\n"
MODEL = (
    "@hookimpl\ndef register_models(register):\n"
    "    able = frozenset({{'sample', 'conditional', 'impute', 'score'}})\n"
    "    register(ModelSpec({name!r}, {target!r}, '', able, ('likelihood',)))\n"
)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Write distributions (a module and its metadata) into a folder on the path, and return their entry points."""
    monkeypatch.syspath_prepend(str(tmp_path))
    modules = []

    def install(distribution, code, version="1.2.3", entry="entry", times=1):
        module = distribution.replace("-", "_")
        modules.append(module)
        (tmp_path / f"{module}.py").write_text(code)
        info = tmp_path / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[gensynth]\n{entry} = {module}\n")
        found = importlib.metadata.PathDistribution(info)
        return list(found.entry_points) * times

    yield install
    for module in modules:
        sys.modules.pop(module, None)


def good(name="fine", target="nowhere:Fine"):
    return HEAD + MODEL.format(name=name, target=target)


def loaded(*points, **options):
    """Return a registry, and the warnings of making it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        registry = Registry([p for group in points for p in group], **options)
    return registry, [w for w in caught if w.category is PluginWarning]


def names(registry):
    return [entry.qualified_name for entry in registry.models()]


BROKEN = {
    "raises": ("import a_package_that_nobody_has", "ModuleNotFoundError"),
    "exits": ("raise SystemExit(3)", "SystemExit"),
    "syntax": ("def def", "SyntaxError"),
    "misspelt": (HEAD + "@hookimpl\ndef register_model(register): pass\n", "did you mean 'register_models'"),
    "not a hook": (HEAD + "@hookimpl\ndef zzz(): pass\n", "the hooks are register_models"),
    "argument": (HEAD + "@hookimpl\ndef register_models(recorder): pass\n", "recorder"),
    "unmarked": ("def register_models(register): pass\n", "mark its functions with gensynth.hookimpl"),
    "too new": ("GENSYNTH_API_VERSION = 99\n" + good(), "version 99 of the plugin API"),
    "version not a number": ("GENSYNTH_API_VERSION = 'new'\n" + good(), "version new of the plugin API"),
    "hook raises": (good() + "    raise RuntimeError('half-way')\n", "half-way"),
    "not a spec": (HEAD + "@hookimpl\ndef register_models(register): register('vae')\n", "not str"),
    "bad name": (good(name="A Name"), "lower-case"),
    "bad target": (good(target="no_colon"), "package.module:Class"),
    "twice": (good() + MODEL.format(name="fine", target="a:B").split("\n")[3] + "\n", "twice"),
    "no such capability": (good().replace("'impute'", "'imput'"), "did you mean 'impute'"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_recorded_and_the_others_load(case, install):
    code, expected = BROKEN[case]
    before, broken, after = install("aaa", good("first")), install("gs-broken", code), install("zzz", good("last"))
    registry, caught = loaded(before, broken, after)
    assert names(registry) == ["aaa/first", "zzz/last"]
    assert [plugin.distribution for plugin in registry.plugins()] == ["aaa", "zzz"]
    (failure,) = registry.failures
    assert (failure.name, failure.distribution, failure.version) == ("entry", "gs-broken", "1.2.3")
    assert expected in str(failure)
    assert len(caught) == 1
    assert "gs-broken 1.2.3" in str(caught[0].message)
    assert "GENSYNTH_STRICT=1" in str(caught[0].message)


@pytest.mark.parametrize("case", BROKEN)
def test_strict_raises_the_plugins_own_error(case, install, monkeypatch):
    code, expected = BROKEN[case]
    monkeypatch.setenv("GENSYNTH_STRICT", "1")
    with pytest.raises((Exception, SystemExit)) as caught:
        Registry(install("gs-broken", code))
    assert expected in f"{type(caught.value).__name__}: {caught.value}"


def test_strict_is_asked_for_with_1_only(install, monkeypatch):
    monkeypatch.setenv("GENSYNTH_STRICT", "0")
    assert len(loaded(install("gs-broken", "1/0"))[0].failures) == 1


def test_an_older_api_version_loads(install):
    registry, caught = loaded(install("aaa", "GENSYNTH_API_VERSION = 1\n" + good()))
    assert names(registry) == ["aaa/fine"]
    assert not caught


def test_an_entry_point_listed_twice_loads_once(install):
    registry, caught = loaded(install("aaa", good(), times=2))
    assert names(registry) == ["aaa/fine"]
    assert not caught


def test_an_entry_point_that_is_not_a_module_is_refused(install, tmp_path):
    (point,) = install("aaa", good())
    attribute = importlib.metadata.EntryPoint("entry", "aaa:register_models", "gensynth")
    vars(attribute)["dist"] = point.dist  # as importlib.metadata itself does
    registry, _ = loaded([attribute])
    assert "is not a module" in str(registry.failures[0])


def test_same_entry_point_name_in_two_distributions(install):
    registry, caught = loaded(install("aaa", good("one")), install("bbb", good("two")))
    assert names(registry) == ["aaa/one", "bbb/two"]
    assert not caught


def test_two_plugins_with_one_model_name_are_both_kept(install):
    registry, caught = loaded(install("aaa", good()), install("bbb", good()))
    assert not caught
    assert names(registry) == ["aaa/fine", "bbb/fine"]
    with pytest.raises(UnknownModelError, match="write 'aaa/fine' or 'bbb/fine'"):
        registry.entry("fine")
    assert registry.entry("bbb/fine").distribution == "bbb"


def test_unknown_name_suggests_and_lists(install):
    registry, _ = loaded(install("aaa", good("vlae")), install("gs-broken", "1/0"))
    with pytest.raises(KeyError) as caught:
        registry.recipe("VLEA")
    message = str(caught.value)
    assert "no model is named 'VLEA'" in message
    assert "Did you mean 'vlae'?" in message
    assert "Models: vlae." in message
    assert "did not load: entry of gs-broken 1.2.3 (ZeroDivisionError" in message


def test_nothing_installed_says_how_to_install():
    with pytest.raises(UnknownModelError, match=r"pip install gensynth.*pip install -e \."):
        Registry([]).recipe("vlae")


def test_subset_by_variable(install, monkeypatch):
    points = install("aaa", good("one"), entry="a") + install("bbb", "1/0", entry="b")
    points += install("ccc", good("three"), entry="c")
    monkeypatch.setenv("GENSYNTH_PLUGINS", " a, c,")
    registry, caught = loaded(points)
    assert names(registry) == ["aaa/one", "ccc/three"]
    assert not caught, "a plugin that is left out is not even imported"


def test_subset_of_none(install, monkeypatch):
    monkeypatch.setenv("GENSYNTH_PLUGINS", "")
    registry, _ = loaded(install("aaa", good()))
    with pytest.raises(UnknownModelError, match=r"GENSYNTH_PLUGINS='' leaves no model"):
        registry.recipe("fine")


def test_subset_that_names_no_plugin(install):
    registry, caught = loaded(install("aaa", good()), only=["entry", "absent"])
    assert names(registry) == ["aaa/fine"]
    assert "GENSYNTH_PLUGINS asks for 'absent'; there are entry" in str(caught[0].message)


BAD_TARGETS = {
    "a_module_that_nobody_has:X": "ModuleNotFoundError",
    "gensynth.errors:Absent": "AttributeError",
    "gensynth.errors:DataError": "not a subclass of gensynth.model.Recipe",
    "gensynth.model:Batch": "not a subclass of gensynth.model.Recipe",
}


@pytest.mark.parametrize("target", BAD_TARGETS)
def test_a_target_that_is_no_recipe_names_the_distribution(target, install):
    registry, _ = loaded(install("aaa", good(target=target)))
    with pytest.raises(PluginError, match=r"model 'fine' of aaa 1\.2\.3") as caught:
        registry.recipe("fine")
    assert BAD_TARGETS[target] in str(caught.value)


def test_recipe_and_its_name(install):
    registry, _ = loaded(install("aaa", good("latent-classes", "gensynth_toy.recipes:LatentClasses")))
    recipe = registry.recipe("latent-classes")
    assert recipe is registry.recipe("aaa/latent-classes")
    entry = registry.entry_of(recipe())
    assert (entry.qualified_name, entry.version) == ("aaa/latent-classes", "1.2.3")
    assert Registry([]).entry_of(recipe()) is None


def test_what_a_plugin_announces_is_what_its_recipe_has(install):
    code = good("latent-classes", "gensynth_toy.recipes:LatentClasses").replace("'impute', ", "")
    registry, _ = loaded(install("aaa", code))
    assert registry.able("conditional") == ["latent-classes"]
    assert registry.able("impute", "latent") == []
    with pytest.raises(PluginError, match=r"announces capabilities .*but LatentClasses has"):
        registry.recipe("latent-classes")


def test_entry_of_a_recipe_that_another_module_exports(install):
    code = good("fine", "aaa:Renamed") + "from gensynth_toy.recipes import LatentClasses as Renamed\n"
    registry, _ = loaded(install("aaa", code))
    entry = registry.entry_of(registry.recipe("fine")())
    assert (entry.qualified_name, entry.version) == ("aaa/fine", "1.2.3")


def test_commands_metrics_and_datasets_of_plugins(install, tmp_path):
    def with_hooks(name):
        return HEAD + (
            "@hookimpl\ndef register_commands(app): app.append(__name__)\n"
            f"@hookimpl\ndef register_metrics(register): register({name!r}, min); register('same', max)\n"
            f"@hookimpl\ndef register_datasets(register): register({str(tmp_path)!r})\n"
        )

    failing = HEAD + "@hookimpl\ndef register_metrics(register): register('half', min); 1/0\n"
    registry, _ = loaded(install("aaa", with_hooks("one")), install("bbb", with_hooks("two")), install("ccc", failing))
    app: list[str] = []
    registry.add_commands(app)
    assert app == ["aaa", "bbb"]
    assert registry.datasets() == [tmp_path, tmp_path]
    with pytest.warns(PluginWarning, match="ccc"):
        assert set(registry.metrics()) == {"one", "two", "aaa/same", "bbb/same"}
    registry.metrics()  # the same failure is warned of once
    assert len(registry.failures) == 1
    assert registry.plugins()[0].hooks == ("register_commands", "register_datasets", "register_metrics")


def test_default_registry_holds_the_built_in_models_without_importing_them():
    registry = default_registry()
    built_in = [e.spec.name for e in registry.models() if e.distribution == "gensynth"]
    assert {"vae", "beta-vae", "vlae", "gan", "wgan", "cgan"} <= set(built_in)
    assert registry is default_registry()
    assert not registry.failures


def test_models_are_attributes(install, monkeypatch):
    rival = HEAD + "".join(
        f"@hookimpl\ndef register_models(register):\n"
        f"    able = {{'sample', 'conditional', 'impute', 'score'}}\n"
        f"    register(ModelSpec('{n}', 'gensynth_toy.recipes:LatentClasses', '', able, ('likelihood',)))\n"
        f"    register(ModelSpec('same', '{n}:Same'))\n"
        for n in ("aaa",)
    )
    registry, _ = loaded(install("aaa", rival), install("bbb", rival.replace("aaa", "bbb")))
    monkeypatch.setattr(gensynth.models, "default_registry", lambda: registry)
    from gensynth_toy.recipes import LatentClasses

    assert dir(gensynth.models) == ["LatentClasses", "Same"]
    assert gensynth.models.LatentClasses is LatentClasses  # registered twice, but one class
    with pytest.raises(AttributeError, match="no installed plugin has a recipe 'Absent'; there are LatentClasses"):
        _ = gensynth.models.Absent
    with pytest.raises(PluginError, match="write from aaa import Same or from bbb import Same"):
        from gensynth.models import Same  # noqa: F401


def test_the_built_in_recipes_are_attributes():
    assert {"VAE", "BetaVAE", "VLAE", "GAN", "WGAN", "CGAN"} <= set(dir(gensynth.models))
    for name in ("VLAE", "CGAN"):
        assert getattr(gensynth.models, name).__name__ == name


def test_spec_is_plain_and_frozen():
    spec = ModelSpec("a-b", "m.n:C", capabilities={"score"})  # type: ignore[arg-type]  # is made a frozenset
    assert spec.capabilities == frozenset({"score"})
    assert spec.class_name == "C"
    with pytest.raises(AttributeError):
        spec.name = "other"  # type: ignore[misc]  # what is refused


def test_strict_in_a_process_of_its_own(tmp_path, install):
    install("gs-broken", "raise RuntimeError('as it happens')")
    code = "from gensynth.registry import default_registry as d; print(len(d().models()), len(d().failures))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))}
    lenient = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert lenient.stdout.split()[1] == "1"
    assert lenient.stderr.count("PluginWarning") == 1
    environment["GENSYNTH_STRICT"] = "1"
    strict = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert strict.returncode == 1
    assert "RuntimeError: as it happens" in strict.stderr
