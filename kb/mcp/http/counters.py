"""The measures of `kb mcp --http` as Prometheus reads them: counts and times, no words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

#: Seconds: a warm look-up takes 30 ms, a cold one a second, one that embeds a library minutes.
_BUCKETS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0)


class Counters:
    """What is counted; labels have few values, none of them given by a client."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        from kb.version import __version__

        self._registry: CollectorRegistry = CollectorRegistry()
        self._requests = Counter(
            "kb_mcp_requests", "HTTP requests.", ["path", "status"], registry=self._registry
        )
        self._calls = Counter(
            "kb_mcp_calls", "Look-ups.", ["look_up", "outcome"], registry=self._registry
        )
        self._seconds = Histogram(
            "kb_mcp_call_seconds",
            "How long look-ups take, the time they wait for another included.",
            ["look_up"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._open = Gauge("kb_mcp_open_requests", "Being answered.", registry=self._registry)
        info = Gauge("kb_mcp_info", "Always 1.", ["version"], registry=self._registry)
        info.labels(__version__).set(1)

    def begin_request(self) -> None:
        """Count a request that is being answered."""
        self._open.inc()

    def end_request(self, path: str, status: int) -> None:
        """Count a request that was answered."""
        self._open.dec()
        self._requests.labels(path, str(status)).inc()

    def end_call(self, look_up: str, outcome: str, seconds: float) -> None:
        """Count a look-up that was carried out."""
        self._calls.labels(look_up, outcome).inc()
        self._seconds.labels(look_up).observe(seconds)

    def page(self) -> tuple[bytes, str]:
        """The measures in the text format of Prometheus, and its media type."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return generate_latest(self._registry), CONTENT_TYPE_LATEST
