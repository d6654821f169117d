"""Hashes of known texts: what is known is found again, and little else."""

from __future__ import annotations

from gensynth.encoding.knownhashes import KnownHashes
from gensynth.schema.values import object_array


def texts(first: int, n: int):
    return object_array([f"customer {i}" for i in range(first, first + n)])


def test_known_texts_are_found_again_and_few_others():
    known = KnownHashes.of(texts(0, 1000))
    assert known.have(texts(0, 1000)).all()
    assert 0 < known.have(texts(10_000, 20_000)).mean() < 0.02
    assert not KnownHashes().have(texts(0, 5)).any()


def test_more_texts_are_added_or_take_the_place_of_those_before():
    known = KnownHashes.of(texts(0, 100))
    known.add(known.whole(texts(100, 10)))
    assert known.have(texts(0, 110)).all()
    known.replace(known.whole(texts(500, 100_000)))
    assert known.bits == 24
    assert known.have(texts(500, 1000)).all()
    assert known.have(texts(0, 110)).mean() < 0.1


def test_hashes_come_back_from_what_is_stored():
    known = KnownHashes.of(texts(0, 50))
    again = KnownHashes(known.salt, known.hashes[::-1].copy(), known.bits)
    assert again.have(texts(0, 50)).all()
