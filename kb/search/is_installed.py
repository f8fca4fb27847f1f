"""Whether search is installed, said before anything of it is imported."""

from __future__ import annotations

import importlib.util
import os

from kb.errors import KbError
from kb.installation import install_line

#: What is said of the one step that only the first answer on a machine takes.
PREPARING = "Preparing the encoder, once on this machine"
_NEEDED = ("numpy", "faiss", "onnx", "onnxruntime", "safetensors", "tokenizers")


def prepare_search() -> None:
    """Make ready to import search.

    Raises `KbError` where the extra `search` is not installed. Keeps numpy to one thread (the
    encoder has its own two): the products of a question are small, and a second thread only spins,
    which measured a fifth of the whole time of `kb similar`.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise KbError(
            f"search is not installed ({', '.join(missing)} missing)",
            todo=install_line("search"),
        )
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
