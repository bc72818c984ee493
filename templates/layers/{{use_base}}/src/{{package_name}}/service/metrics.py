"""Counters for Prometheus, with labels whose values are known beforehand."""

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

# The time at which a counter was made would be a second series for each, which nobody reads.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The service's counters, in a registry of their own; a family adds its own to `registry`."""

    content_type = prometheus_client.CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.in_flight = Gauge(
            "http_requests_in_flight", "Requests in work under /v1/.", registry=self.registry
        )
        self.reloads = Counter(
            "model_reloads",
            "New champions, by what became of them: loaded or refused.",
            ["result"],
            registry=self.registry,
        )
        for result in ("loaded", "refused"):
            self.reloads.labels(result)
        self._model = Gauge(
            "model_info", "The model that is served.", ["id", "name"], registry=self.registry
        )
        self._requests = Counter(
            "http_requests",
            "Answers, by method, route and status.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Time from the request's headers to the end of its answer.",
            ["method", "route"],
            buckets=SECONDS_BUCKETS,
            registry=self.registry,
        )
        # Finding a child by its labels costs more than counting.
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer; the caller bounds what `method` and `route` can be."""
        key = (method, route, status)
        children = self._children.get(key)
        if children is None:
            children = (
                self._requests.labels(method, route, str(status)),
                self._seconds.labels(method, route),
            )
            self._children[key] = children
        children[0].inc()
        children[1].observe(seconds)

    def set_model(self, artifact_id: str, name: str) -> None:
        """Say which model is served."""
        self._model.clear()
        self._model.labels(artifact_id, name).set(1)

    def render(self) -> bytes:
        """Return all counters in the text format."""
        return prometheus_client.generate_latest(self.registry)
