"""Gives the memory of mapped files back to the system."""

from __future__ import annotations

import mmap
from typing import Any

from numpy.typing import NDArray


def release_mapped(array: NDArray[Any]) -> None:
    """Let the system take back what was read of a mapped array; it can be read again.

    An array that is not mapped stays as it is, and so do all where the system knows no such thing.
    """
    mapped = getattr(array, "_mmap", None) or getattr(array.base, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
