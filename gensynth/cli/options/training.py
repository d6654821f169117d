"""Recipes and the trainer that the options of a command describe, and the files of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gensynth.cli.options.paths import MODEL_ENDINGS, STANDARD_INPUT, check_distinct, checked_output
from gensynth.cli.options.settings import build, read_settings, split_settings, typed_settings
from gensynth.cli.terminal import processes
from gensynth.cli.terminal.messages import is_quiet
from gensynth.defaults import AUTO_MODEL, SAMPLING_MODEL
from gensynth.errors import ModelFileError, OptionError

if TYPE_CHECKING:
    from gensynth.datasets import Card
    from gensynth.model import Recipe
    from gensynth.report.snapshots import GridSnapshots
    from gensynth.training import Trainer


def recipe_and_trainer(
    model: str,
    settings: Sequence[str] | None,
    max_time: float | None,
    *,
    detector: bool = False,
    file: Path | None = None,
) -> tuple[Recipe, Trainer]:
    """Return the recipe of ``--model`` and the trainer, with ``--set`` and ``--max-time`` applied.

    With ``detector`` both are what an `AnomalyDetector` of this model is trained by. ``file`` is that of
    ``--settings``, whose model is taken where the default is asked for; ``--set`` and ``--max-time`` come before it.

    Raises
    ------
    UnknownModelError
        No such model.
    OptionError
        A setting that there is not, of the wrong type, refused, or given twice.
    """
    from gensynth.registry import default_registry

    registry = default_registry()
    named, given = (None, {}) if file is None else read_settings(file)
    if named is not None and model not in (named, SAMPLING_MODEL):
        raise OptionError(f"--settings {file} is of the model {named!r}, and --model is {model!r}; leave out one")
    model = named or model
    registry.entry(model)  # an unknown name is an error before torch is imported
    kind = registry.recipe(model)
    trainer, found = trainer_and_settings(settings, max_time, {"model": kind}, detector=detector)
    if file is not None:
        found["model"] = {**typed_settings(given, {"model": kind}, file)["model"], **found["model"]}
    recipe: Recipe = build(kind, found["model"], "model")
    return recipe, trainer


def model_and_trainer(
    model: str, settings: Sequence[str] | None, max_time: float | None
) -> tuple[Recipe | str, Trainer]:
    """Return the same as `recipe_and_trainer`, but the name "auto" for that model.

    Raises
    ------
    UnknownModelError, OptionError
        As `recipe_and_trainer`; a setting of a model that is yet to be chosen.
    """
    if model != AUTO_MODEL:
        return recipe_and_trainer(model, settings, max_time)
    for text in settings or ():
        if text.startswith("model."):
            raise OptionError(f"--set {text}: --model {AUTO_MODEL} chooses the model and its settings; name a model")
    return AUTO_MODEL, trainer_and_settings(settings, max_time, {})[0]


def trainer_and_settings(
    settings: Sequence[str] | None, max_time: float | None, kinds: Mapping[str, type], *, detector: bool = False
) -> tuple[Trainer, dict[str, dict[str, Any]]]:
    """Return the trainer with ``--set`` and ``--max-time`` applied, and the settings of other targets.

    Raises
    ------
    OptionError
        A setting that there is not, of the wrong type, refused, or given twice.
    """
    if max_time is not None and not max_time > 0:
        raise OptionError(f"--max-time must be more than 0 seconds, not {max_time:g}")
    from gensynth.training import Trainer

    found = split_settings(settings or (), {**kinds, "trainer": Trainer})
    own = found.pop("trainer")
    if max_time is not None:
        if "max_time" in own:
            raise OptionError("--max-time and --set trainer.max_time are the same; leave one out")
        own["max_time"] = max_time
    if is_quiet():
        own.setdefault("progress", False)
    if detector:
        from gensynth.detector.estimator import BATCH_SIZE

        own.setdefault("batch_size", BATCH_SIZE)
    trainer: Trainer = build(Trainer, own, "trainer")
    return trainer, found


def training_files(
    found: Path | Card, output: Path, checkpoint: Path | None, *, resume: bool
) -> tuple[Path, Path | None]:
    """Return ``--output`` and ``--checkpoint`` of a training, checked by the process that writes them.

    Raises
    ------
    OptionError
        They cannot be written, are the same file, or there is nothing to go on with; or several processes would read
        one standard input.
    """
    if found == STANDARD_INPUT and processes.count() > 1:
        raise OptionError("several processes cannot read one standard input (-); write it to a file first")
    if resume and checkpoint is None:
        raise OptionError("--resume needs --checkpoint FILE: the file that the interrupted run wrote")
    if not processes.is_first():
        return output, checkpoint
    path = checked_output(output, MODEL_ENDINGS, [found])
    if checkpoint is not None:
        checkpoint = checked_output(checkpoint, ("",), [found], "--checkpoint")
        check_distinct({"--output": path, "--checkpoint": checkpoint})
    return path, checkpoint


def snapshots(folder: Path, *, resume: bool) -> GridSnapshots:
    """Return the callback of ``--save-progress``, which writes images during training.

    Raises
    ------
    OptionError
        The folder cannot be made or written.
    """
    from gensynth.report.snapshots import GridSnapshots

    if folder.exists() and not folder.is_dir():
        raise OptionError(f"--save-progress {folder} is a file; name a folder")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OptionError(f"--save-progress {folder} cannot be made: {error.strerror or error}") from error
    return GridSnapshots(folder, resume=resume)


def checkpoint_seed(path: Path, seed: int | None, *, resume: bool) -> int | None:
    """Return the seed of a run with a checkpoint: when resuming without ``--seed`` that of the interrupted run.

    Raises
    ------
    OptionError
        There is nothing to resume from, or a file that is not to be replaced: what can be resumed, or no checkpoint.
    ModelFileError
        The checkpoint to resume from is damaged or not one.
    """
    from gensynth.training.checkpoints import read_header

    if not path.exists():
        if resume:
            raise OptionError(f"--resume: there is no checkpoint {path}; leave out --resume to start")
        return seed
    if resume:
        return int(read_header(path).marks["seed"]) if seed is None else seed
    try:
        finished = read_header(path).finished
    except ModelFileError as error:
        raise OptionError(
            f"--checkpoint {path} exists, and cannot be resumed from ({error}); name another file, or remove it"
        ) from error
    if not finished:
        raise OptionError(
            f"--checkpoint {path} holds a run that did not come to its end: add --resume to go on with it, or remove "
            "the file to start over"
        )
    return seed


def chosen_models(
    names: str | None, settings: Sequence[str] | None, max_time: float
) -> tuple[dict[str, str | Recipe], Trainer]:
    """Return the models of ``--models`` and the trainer, with ``--set`` and ``--max-time`` applied.

    A model without settings stays a name, so that one that does not import fails by itself.

    Raises
    ------
    UnknownModelError
        No such model.
    OptionError
        A name is given twice, or a setting is none.
    """
    from gensynth.registry import default_registry

    registry = default_registry()
    wanted = registry.able("sample") if names is None else [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        registry.entry(name)
        if wanted.count(name) > 1:
            raise OptionError(f"--models names {name!r} twice; leave one out")
    if not wanted:
        raise OptionError("--models names no model; gensynth models lists them")
    kinds = {n: registry.recipe(n) for n in wanted if any(text.startswith(f"{n}.") for text in settings or ())}
    trainer, given = trainer_and_settings(settings, max_time, kinds)
    trainer.progress = False  # one bar shows all models: another one for each would tear it
    models: dict[str, str | Recipe] = {n: build(kinds[n], given[n], n) if n in kinds else n for n in wanted}
    return models, trainer
