"""Finds the nearest passages with faiss: exactly, or by cells in a large library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.safe_files import Root
from kb.search.encoder.encoder import Vectors

#: The file of the approximate index within a generation.
APPROXIMATE = "passages.faiss"
#: Passages up to which every one is compared with the query: 16 ms a query passage at this size
#: on two cores, against 0.7 ms by cells (recall@10 .996).
EXACT_PASSAGES = 100_000
#: Cells of the approximate index, and how many of them a query looks into. At 10⁶ synthetic
#: passages 2.6 ms and recall@10 1.0; training more cells takes minutes and gains nothing.
_MOST_CELLS = 2048
_PROBES = 32


def write_approximate(folder: Path, vectors: Vectors) -> None:
    """Write an approximate index beside the vectors where an exact scan would take too long."""
    if len(vectors) <= EXACT_PASSAGES:
        return
    import faiss

    cells = min(int(4 * len(vectors) ** 0.5), _MOST_CELLS)
    quantizer = faiss.IndexFlatIP(vectors.shape[1])
    graph = faiss.IndexIVFFlat(quantizer, vectors.shape[1], cells, faiss.METRIC_INNER_PRODUCT)
    graph.cp.niter = 10
    graph.train(vectors[:: max(1, len(vectors) // (40 * cells))])
    graph.add(vectors)
    with Root(folder).filling(APPROXIMATE) as stream:
        faiss.write_index(graph, faiss.PyCallbackIOWriter(stream.write))  # type: ignore[attr-defined]


def nearest(
    vectors: Vectors, queries: Vectors, count: int, folder: Path | None
) -> NDArray[np.int64]:
    """The rows of the `count` nearest vectors of every query, unordered, without repeats.

    `folder` is where the approximate index of these vectors lies; None for an exact answer.
    """
    import faiss

    if folder is not None:
        path = folder / APPROXIMATE
        graph = faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
        faiss.extract_index_ivf(graph).nprobe = _PROBES
        places = graph.search(np.ascontiguousarray(queries), count)[1]
    else:
        places = faiss.knn(queries, vectors, count, metric=faiss.METRIC_INNER_PRODUCT)[1]
    return np.unique(places[places >= 0])
