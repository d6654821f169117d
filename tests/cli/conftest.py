"""The command line run in this process, in a folder of good and bad files with a fitted model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command_line import QUICK, QUICK_DETECTOR, Outcome, Run, people, write_tables

from gensynth.cli import main
from gensynth.cli.terminal.messages import be_quiet


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``gensynth`` with these arguments."""
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")  # what main would set, so that it is put back
    monkeypatch.setenv("COLUMNS", "100")

    def call(*arguments: str) -> Outcome:
        capfd.readouterr()
        code = main(arguments)
        out, err = capfd.readouterr()
        assert "Traceback" not in err, err
        return Outcome(code, out, err)

    return call


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of tables and models, made once."""
    folder = tmp_path_factory.mktemp("prepared")
    write_tables(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_WAIT_POLICY", "PASSIVE")
        assert main(["fit", str(folder / "good.csv"), "-o", str(folder / "m.gensynth"), *QUICK]) == 0
        detect = ["detect", str(folder / "good.csv"), "-o", str(folder / "found.csv"), *QUICK_DETECTOR]
        assert main([*detect, "--save", str(folder / "d.gensynth")]) == 0
    people().assign(reason="none").to_csv(folder / "reasoned.csv", index=False)
    people().drop(columns="sex").assign(weight=1.0).to_csv(folder / "weighed.csv", index=False)
    people(5).to_csv(folder / "five.csv", index=False)
    people(1).to_csv(folder / "single.csv", index=False)
    whole = (folder / "m.gensynth").read_bytes()
    (folder / "cut.gensynth").write_bytes(whole[: len(whole) // 2])
    (folder / "nothing.gensynth").write_bytes(b"")
    (folder / "table.gensynth").write_text("a,b\n1,2\n")
    flipped = bytearray(whole)
    flipped[len(whole) * 2 // 3] ^= 0xFF
    (folder / "flipped.gensynth").write_bytes(flipped)
    return folder


@pytest.fixture
def folder(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the prepared folder that is the working directory."""
    place = tmp_path / "work"
    shutil.copytree(prepared, place, symlinks=True)
    (place / "link.csv").unlink()
    (place / "link.csv").symlink_to(place / "good.csv")
    monkeypatch.chdir(place)
    return place


@pytest.fixture(autouse=True)
def loud() -> None:
    """Begin every test as a process begins: an earlier command in it may have been quiet."""
    be_quiet(False)
