"""What a notebook shows of an evaluation."""

from __future__ import annotations

from evaluated_tables import evaluation


def test_a_notebook_shows_verdict_metrics_and_columns() -> None:
    found = evaluation("poor")
    shown = found._repr_html_()
    assert found.verdict.heading in shown
    assert all(f'<td class="text">{value.name}</td>' in shown for value in found.values)
    assert f"<td>{found['trend_error'].ceiling:.4f}</td>" in shown
    assert "identifiers are left out: key".capitalize() in shown
    assert "total = net + vat" in shown
    assert "500 synthetic rows beside" in shown
