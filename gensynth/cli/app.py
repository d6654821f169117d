"""The typer application: built-in commands, those of plugins, and the common handling of warnings and errors."""

from __future__ import annotations

from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperGroup

from gensynth.cli.commands import (
    augment,
    compare,
    datasets,
    detect,
    drift,
    evaluate,
    export,
    fit,
    impute,
    info,
    models,
    plugins,
    sample,
    score,
    tune,
)
from gensynth.cli.terminal import processes
from gensynth.cli.terminal.messages import be_quiet, errors_as_exit_codes, note, warnings_as_notes
from gensynth.errors import command_line_hints
from gensynth.version import __version__


class CommandGroup(TyperGroup):
    """The built-in commands; those of plugins are loaded for a list or an unknown name.

    ``ctx`` is `Any` because typer brings its own copy of click from version 0.29 on.
    """

    _complete = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the built-in commands in the order of a user's work, then those of plugins."""
        self._add_plugins()
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Return a command; plugins are loaded only for a name that is not built in."""
        if cmd_name not in self.commands:
            self._add_plugins()
        return self.commands.get(cmd_name)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line, with each warning as one line."""
        be_quiet(False)  # what an earlier command in this process wanted
        with command_line_hints(), warnings_as_notes():
            return super().main(*args, **kwargs)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the arguments; a signal or a closed output meanwhile causes no traceback."""
        with errors_as_exit_codes():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; user errors become one message and an exit code."""
        with errors_as_exit_codes():
            return super().invoke(ctx)

    def _add_plugins(self) -> None:
        if self._complete:
            return
        self._complete = True
        from gensynth.registry import default_registry

        offered = typer.Typer()
        default_registry().add_commands(offered)
        for group in offered.registered_groups:
            self._add(typer.Typer(), "registered_groups", group)
        for command in offered.registered_commands:
            self._add(typer.Typer(), "registered_commands", command)

    def _add(self, alone: typer.Typer, kind: str, info: Any) -> None:
        """Add one command or group of a plugin, isolated so that a broken one does not affect the others."""
        setattr(alone, kind, [info])
        try:
            ((name, command),) = typer.main.get_group(alone).commands.items()
        except Exception as error:
            note(f"a plugin's command is left out: {type(error).__name__}: {error}")
            return
        if name in self.commands:
            note(f"a plugin's command {name!r} is left out: there is one of that name already")
            return
        self.commands[name] = command


app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help starts in half the time and reads the same in files and narrow windows
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gensynth {__version__}")
        raise typer.Exit


@app.callback()
def gensynth(
    ctx: typer.Context,
    *,
    version: Annotated[  # noqa: ARG001 - its callback did it
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Synthetic data and anomaly detection for tables, with deep generative models.

    DATA is a .csv, .tsv (also as .gz or .zip) or .parquet file, a folder or a pattern of such files, - for
    standard input, or the name of a data set (gensynth datasets list). Most commands also accept images: a folder of
    PNG and JPEG files, or of one such folder per label, or a .npz file.
    """
    if processes.count() > 1 and ctx.invoked_subcommand is not None:
        ctx.with_resource(processes.together(ctx.invoked_subcommand))


app.command("augment")(augment.augment)
app.command("fit")(fit.fit)
app.command("sample")(sample.sample)
app.command("impute")(impute.impute)
app.command("score")(score.score)
app.command("detect")(detect.detect)
app.command("drift")(drift.drift)
app.command("export")(export.export)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("tune")(tune.tune)
app.command("info")(info.info)
app.command("models")(models.models)
app.command("plugins")(plugins.plugins)
app.add_typer(datasets.app, name="datasets")
