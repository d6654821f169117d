"""Short salted hashes of texts: to never generate a fitted text again without revealing the fitted texts."""

from __future__ import annotations

import hashlib
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pandas.util import hash_array

from gensynth.encoding.fields import Texts

_SPARE_BITS = 7
"""Hash bits beyond those needed to count the texts: about one in a hundred other texts collides."""


class KnownHashes:
    """Hashes of known texts.

    Parameters
    ----------
    salt : str
        Key of the hash, 16 characters.
    hashes : ndarray of int64 or None
        Those of the texts.
    bits : int
        Bits of each hash.
    """

    def __init__(self, salt: str = "", hashes: NDArray[np.int64] | None = None, bits: int = 32) -> None:
        self.salt, self.bits = salt, bits
        self.hashes = np.zeros(0, dtype=np.int64) if hashes is None else np.sort(hashes)

    @classmethod
    def of(cls, texts: Texts) -> Self:
        """Return the hashes of these texts, with a salt that follows from them."""
        out = cls(hashlib.sha256(hash_array(texts).tobytes()).hexdigest()[:16])
        out.replace(np.unique(out.whole(texts)))
        return out

    def whole(self, texts: Texts) -> NDArray[np.uint64]:
        """Return the hashes (n,) of texts before they are shortened."""
        return hash_array(texts, hash_key=self.salt, categorize=False)

    def replace(self, distinct: NDArray[np.uint64]) -> None:
        """Keep these whole hashes, each of one text, in the place of those before."""
        self.bits = min(max(len(distinct).bit_length() + _SPARE_BITS, 16), 48)
        self.hashes = np.unique(self._shortened(distinct))

    def add(self, hashes: NDArray[np.uint64]) -> None:
        """Keep these whole hashes too."""
        self.hashes = np.union1d(self.hashes, self._shortened(hashes))

    def have(self, texts: Texts) -> NDArray[np.bool_]:
        """Return a mask (n,) of texts whose hash is known."""
        if not len(self.hashes):
            return np.zeros(len(texts), dtype=bool)
        hashes = self._shortened(self.whole(texts))
        at = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return np.asarray(self.hashes[at] == hashes)

    def _shortened(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        return (hashes >> np.uint64(64 - self.bits)).astype(np.int64)
