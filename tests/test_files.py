from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gensynth import files
from gensynth.files import atomic_write


def test_replaces_the_file_with_ordinary_permissions(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with atomic_write(path) as stream:
        stream.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, ValueError])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def interrupted():
        with atomic_write(path) as stream:
            stream.write(b"half")
            raise error

    with pytest.raises(error):
        interrupted()
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]
    assert path.read_bytes() == b"old"


def test_missing_folder_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "absent" / "a.bin"):
        pass


def test_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    with atomic_write(link) as stream:
        stream.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    for mode in (0o600, 0o640, 0o664, 0o755):
        path.chmod(mode)
        with atomic_write(path) as stream:
            (temporary,) = (p for p in tmp_path.iterdir() if p != path)
            assert stat.S_IMODE(temporary.stat().st_mode) == mode, "never more open than the file"
            stream.write(b"new")
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_long_name_of_wide_characters(tmp_path):
    path = tmp_path / ("語" * 80 + ".csv")
    with atomic_write(path) as stream:
        stream.write(b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_names_the_file(tmp_path, monkeypatch):
    def full(temporary, target):
        raw = files.NamedRaw(os.open("/dev/full", os.O_WRONLY), "w")
        temporary.touch()
        return raw

    monkeypatch.setattr(files, "_create", full)
    path = tmp_path / "a.bin"
    with pytest.raises(OSError, match="No space left") as caught, atomic_write(path) as stream:
        stream.write(b"x" * 100_000)
    assert caught.value.filename == str(path)
    assert not list(tmp_path.iterdir())


def test_an_error_of_the_block_keeps_its_own_file_name(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, atomic_write(tmp_path / "a.bin"):
        (tmp_path / "other").read_bytes()
    assert caught.value.filename == str(tmp_path / "other")


def test_removing_what_is_not_finished(tmp_path):
    def ended():
        with atomic_write(tmp_path / "a.bin") as stream:
            stream.write(b"half")
            files.remove_temporary_files()
            assert not list(tmp_path.iterdir())

    with pytest.raises(FileNotFoundError):
        ended()


def test_check_writable_leaves_nothing(tmp_path):
    files.check_writable(tmp_path / "a.bin")
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError) as caught:
        files.check_writable(tmp_path / "absent" / "a.bin")
    assert caught.value.filename == str(tmp_path / "absent" / "a.bin")


WRITER = """
import sys
from gensynth import files
from gensynth.files import atomic_write
path, letter = sys.argv[1:]
for turn in range(60):
    with atomic_write(path) as stream:
        for part in range(20):
            stream.write(letter.encode() * 10_000)
"""


def test_of_several_processes_that_write_one_file_one_wins_whole(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"c" * 200_000)
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), letter]) for letter in "ab"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        seen.add(path.read_bytes())
    seen.add(path.read_bytes())
    assert all(writer.returncode == 0 for writer in writers)
    assert seen <= {letter * 200_000 for letter in (b"a", b"b", b"c")}
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_folder_appears_whole(tmp_path):
    with files.atomic_folder(tmp_path / "out") as temporary:
        (temporary / "a").write_text("x")
        assert not (tmp_path / "out").exists()
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a"]
    (tmp_path / "empty").mkdir()
    with files.atomic_folder(tmp_path / "empty") as temporary:
        (temporary / "b").write_text("x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "out"]
    assert [p.name for p in (tmp_path / "empty").iterdir()] == ["b"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_error_leaves_no_folder(tmp_path, error):
    def interrupted():
        with files.atomic_folder(tmp_path / "out") as temporary:
            (temporary / "a").write_text("x")
            raise error

    with pytest.raises(error):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_empty_stays(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("old")
    with pytest.raises(OSError, match="out"), files.atomic_folder(tmp_path / "out"):
        pass
    assert [p.relative_to(tmp_path).as_posix() for p in sorted(tmp_path.rglob("*"))] == ["out", "out/a"]


def test_a_process_that_ends_without_unwinding_leaves_no_folder(tmp_path):
    with files.atomic_folder(tmp_path / "out") as temporary:
        (temporary / "a").write_text("x")
        files.remove_temporary_files()
        assert list(tmp_path.iterdir()) == []
        temporary.mkdir()
