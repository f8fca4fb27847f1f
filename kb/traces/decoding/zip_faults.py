"""What the standard library raises for a zip that is torn, encrypted or packed in another way."""

from __future__ import annotations

import zipfile
import zlib

try:
    from lzma import LZMAError
except ImportError:  # a Python that was built without it refuses such members itself
    _LZMA: tuple[type[Exception], ...] = ()
else:
    _LZMA = (LZMAError,)

#: `RuntimeError` for what needs a password, `ValueError` for names and places that are none.
ZIP_FAULTS: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    EOFError,
    OSError,
    zlib.error,
    *_LZMA,
)
