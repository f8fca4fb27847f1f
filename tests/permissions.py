"""Whom file permissions bind: everybody, and root once it lays down the right to pass over them."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

#: Of linux/capability.h: the version of the call, and the two rights that pass over permissions.
_VERSION_3 = 0x20080522
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1 << 1, 1 << 2

CAN_BE_BOUND = os.name == "posix" and (os.geteuid() != 0 or sys.platform == "linux")


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Rights(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable"))


@contextmanager
def bound_by_permissions() -> Iterator[None]:
    """Within it this thread meets the permissions of files as somebody who is not root does."""
    if os.geteuid() != 0:
        yield
        return
    call = ctypes.CDLL(None, use_errno=True)
    header, rights = _Header(_VERSION_3, 0), (_Rights * 2)()
    assert call.capget(ctypes.byref(header), rights) == 0, os.strerror(ctypes.get_errno())
    before = rights[0].effective
    rights[0].effective = before & ~(_DAC_OVERRIDE | _DAC_READ_SEARCH)
    assert call.capset(ctypes.byref(header), rights) == 0, os.strerror(ctypes.get_errno())
    try:
        yield
    finally:
        rights[0].effective = before
        assert call.capset(ctypes.byref(header), rights) == 0
