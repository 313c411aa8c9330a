"""What the service counts, for Prometheus."""

from collections.abc import Iterator
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

SECONDS = (0.005, 0.02, 0.1, 0.3, 1, 3, 10, 30, 100)


class Metrics:
    """Requests, their seconds, refusals; and what the queue knows: items by their end, megapixels, how many wait."""

    def __init__(self) -> None:
        disable_created_metrics()  # no times of counters beside their values
        self.registry = CollectorRegistry()
        named: dict[str, Any] = {"namespace": "sfumato", "registry": self.registry}
        self.requests = Counter("requests", "Requests answered.", ("route", "method", "status"), **named)
        self.seconds = Histogram("request_seconds", "Seconds until an answer.", ("route",), buckets=SECONDS, **named)
        self.refusals = Counter("refusals", "Requests refused, by status.", ("status",), **named)
        self.in_flight = Gauge("requests_in_flight", "Requests at the moment.", **named)

    def watch(self, queue: Any, pool: Any) -> None:
        """Also tell of the queue and of the workers (pool may be None)."""
        self.registry.register(_OfQueue(queue, pool))

    def text(self) -> bytes:
        return generate_latest(self.registry)


class _OfQueue:
    def __init__(self, queue: Any, pool: Any) -> None:
        self._queue, self._pool = queue, pool

    def collect(self) -> Iterator[Metric]:
        counts = self._queue.counts()
        items = CounterMetricFamily("sfumato_items", "Items by how they ended.", labels=["end"])
        for end in ("done", "failed", "cancelled", "retried"):
            items.add_metric([end], counts.get(end, 0))
        yield items
        yield CounterMetricFamily("sfumato_megapixels", "Megapixels done.", counts.get("megapixels", 0))
        yield GaugeMetricFamily("sfumato_waiting", "Items that wait for a worker.", self._queue.waiting())
        if self._pool is not None:
            yield GaugeMetricFamily("sfumato_workers", "Worker processes alive.", self._pool.num_alive)
            yield CounterMetricFamily("sfumato_worker_restarts", "Workers started again.", self._pool.num_restarted)
