"""Summary of a command, in a few lines on standard error."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gensynth.cli.terminal.messages import note, say, table
from gensynth.errors import counted

if TYPE_CHECKING:
    from gensynth.augmentation import AugmentReport
    from gensynth.evaluation import Evaluation
    from gensynth.report.anomalies import Findings
    from gensynth.synthesizer import Synthesizer

_MAX_CLASSES = 12
_MAX_ROWS = 10
_MAX_RELATIONS = 12


def augmentation_summary(
    report: AugmentReport,
    target: str | None,
    written: Sequence[Path],
    seconds: float,
    evaluation: Evaluation | None = None,
) -> None:
    """Show the classes before and after, fidelity, copies, the verdict and time."""
    before, after = report.classes_before or {}, report.classes_after or {}
    names = sorted(after, key=lambda name: -after[name])
    rows = [(str(name), f"{before.get(name, 0):,}", f"{after[name]:,}") for name in names[:_MAX_CLASSES]]
    if rest := names[_MAX_CLASSES:]:
        rows.append(
            (f"{len(rest)} more", f"{sum(before.get(n, 0) for n in rest):,}", f"{sum(after[n] for n in rest):,}")
        )
    rows.append(("rows", f"{report.n_real:,}", f"{report.n_real + report.n_synthetic:,}"))
    table((str(target) if before else "", "before", "after"), rows, numbers=2, err=True)
    lines = [counted(report.n_synthetic, "synthetic row"), *_copies(report)]
    if report.n_synthetic == 0:
        from gensynth.augmentation.notebook import NOTHING_ADDED

        lines = [NOTHING_ADDED]
    if report.fidelity is not None:
        lines.append(
            f"fidelity {1 - report.fidelity.shape_error:.3f} of single columns, "
            f"{1 - report.fidelity.trend_error:.3f} of pairs (1 is best)"
        )
    if report.choice is not None:
        lines.append(str(report.choice))
    if report.check is not None:
        lines.append(str(report.check))
    elif report.unchecked is not None:
        lines.append(f"not checked whether the new rows help a classifier: {report.unchecked}")
    if evaluation is not None:
        lines.append(f"evaluated: {evaluation.verdict.text}")
    lines.append(f"{' and '.join(map(str, written))} written in {seconds:.1f} s")
    say("\n".join(lines))


def _copies(report: AugmentReport) -> list[str]:
    """Return the number of copies against the usual number among real rows, and of dropped ones."""
    if report.n_synthetic == 0 or report.real_copy_share != report.real_copy_share:
        return []
    aside = f" (identifiers aside: {', '.join(map(str, report.identifiers))})" if report.identifiers else ""
    lines = [
        f"{report.n_copies:,} of them ({report.n_copies / report.n_synthetic:.1%}) equal a real row{aside}; "
        f"of the real rows {report.real_copy_share:.1%} equal another one"
    ]
    if report.n_copies_dropped:
        lines.append(
            f"{report.n_copies_dropped:,} copies were drawn anew (--drop-copies): combinations that are common among "
            "the real rows are rarer in the new ones"
        )
    return lines


def fit_summary(synthesizer: Synthesizer, rows: int, path: Path, seconds: float) -> None:
    """Show what the model was trained on, and for how long."""
    from gensynth.engine.model_summary import kinds_told

    schema = synthesizer.schema_
    parts = kinds_told(schema.columns)
    kept = [str(relation) for relation in schema.relations]
    if kept:
        rest = len(kept) - _MAX_RELATIONS
        more = f" and {rest} more" if rest > 0 else ""
        say(f"relations that every drawn row keeps: {'; '.join(kept[:_MAX_RELATIONS])}{more}")
    say(
        f"{counted(rows, 'row')}, {counted(len(schema.columns), 'column')} ({parts})\n"
        f"{counted(synthesizer.n_iter_, 'epoch')} of training; "
        f"{path} written in {seconds:.1f} s"
    )


def detection_summary(
    findings: Findings, written: Sequence[str], seconds: float, files: Sequence[str] | None = None
) -> None:
    """Show the number of anomalies and the reasons of the most anomalous rows; images by file."""
    n, n_odd = len(findings.scores), int(findings.anomalies.sum())
    limit = "" if findings.threshold is None else f", threshold {findings.threshold:.4g}"
    say(f"{counted(n, 'row')}, {counted(n_odd, 'anomaly', 'anomalies')} ({100 * n_odd / n:.3g} %){limit}")
    rows = [
        (
            f"{at + 1:,}" if files is None else files[at],
            f"{findings.scores[at]:.4g}",
            f"{findings.p_values[at]:.3g}",
            " ".join(reason.split()),
        )
        for at, reason in zip(findings.shown[: min(findings.listed, _MAX_ROWS)], findings.reasons, strict=False)
    ]
    if rows:
        table(("row" if files is None else "file", "score", "p", "reason"), rows, err=True)
    if n_odd > len(rows):
        say(f"and {n_odd - len(rows):,} more")
    say(f"{' and '.join(written)} written in {seconds:.1f} s")


def evaluation_summary(found: Evaluation, written: Sequence[str], *, err: bool) -> None:
    """Print every number with its floor and its ceiling, and the verdict; say what was written.

    ``err``: to standard error, where standard output is taken.
    """

    def number(value: float | None) -> str:
        return "" if value is None or value != value else f"{value:.4g}" if abs(value) >= 100 else f"{value:.4f}"

    rows = [(v.name, number(v.value), number(v.floor), number(v.ceiling)) for v in found.values]
    table(("metric", "synthetic", "real rows", "independent columns"), rows, numbers=3, err=err)
    if found.left_out:
        note(f"identifiers are left out: {', '.join(map(str, found.left_out))}")
    if err:
        say(f"\n{found.verdict.text}")
    else:
        typer.echo(f"\n{found.verdict.text}")
    done = f"{' and '.join(written)} written" if written else "evaluated"
    say(f"{done} in {found.seconds:.1f} s")
