"""What a worker counts, and how Prometheus reads it.

Plain numbers that the event loop alone changes, so nothing is locked. Each worker tells its own, under the label
`worker`: a scrape reaches one of them, which adds what the others told in their last heartbeat.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from proxy.breaker import SPARED
from proxy.lane import Lane
from proxy.review.entry import Direction
from proxy.review.reviewer import Finding

__all__ = ["BUCKETS", "Metrics", "exposition"]

# Seconds that our own path takes for one read of an upstream's stream.
BUCKETS = (0.00002, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.02)


class _Stream(Protocol):
    @property
    def lanes(self) -> Sequence[Lane]: ...


@dataclass(slots=True)
class Metrics:
    """`requests` by endpoint and status, `findings` by direction, action and category, `path` the time of our own
    path (count by bucket, sum in seconds), `streams` those under way.
    """

    requests: dict[str, int] = field(default_factory=dict)
    findings: dict[str, int] = field(default_factory=dict)
    second_stage: dict[str, int] = field(default_factory=dict)
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    path_seconds: float = 0.0
    second_stage_spared: int = 0
    shadowed: int = 0
    shadow_dropped: int = 0
    streams: set[_Stream] = field(default_factory=set)

    def path(self, seconds: float) -> None:
        """Our own path took so long for one piece of a stream."""
        self.buckets[bisect_left(BUCKETS, seconds)] += 1
        self.path_seconds += seconds

    def closed(
        self,
        endpoint: str,
        status: str,
        findings: Iterable[tuple[Direction, Finding]],
        second_stage: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        """A request has its closing record. `second_stage`: as it stands there."""
        _add(self.requests, f'endpoint="{endpoint}",status="{status}"')
        for direction, finding in findings:
            labels = f'direction="{direction}",action="{finding.action}",category="{finding.category}"'
            _add(self.findings, labels)
        for asked in second_stage:
            names = ("direction", "answer", "action")
            _add(self.second_stage, ",".join(f'{name}="{asked[name]}"' for name in names))
            self.second_stage_spared += str(asked["why"]).startswith(SPARED)

    def told(self, live: int, queued: int, fingerprints_dropped: int) -> dict[str, Any]:
        """For the heartbeat: JSON-able. `live`: exchanges under way; `queued`: records that wait for the disk;
        `fingerprints_dropped`: answers that could not be kept to be recognised.
        """
        return {
            "requests": dict(self.requests),
            "findings": dict(self.findings),
            "second_stage": dict(self.second_stage),
            "buckets": list(self.buckets),
            "path_seconds": self.path_seconds,
            "second_stage_spared": self.second_stage_spared,
            "shadowed": self.shadowed,
            "shadow_dropped": self.shadow_dropped,
            "streams": len(self.streams),
            "held": sum(lane.held for stream in tuple(self.streams) for lane in stream.lanes),
            "exchanges": live,
            "queued": queued,
            "fingerprints_dropped": fingerprints_dropped,
        }


def _add(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1


_PLAIN = (
    ("inkseal_exchanges", "gauge", "Requests under way.", "exchanges"),
    ("inkseal_streams", "gauge", "Streams under way.", "streams"),
    ("inkseal_held_characters", "gauge", "Characters held back by review in the streams under way.", "held"),
    ("inkseal_records_queued", "gauge", "Records that wait for the disk.", "queued"),
    (
        "inkseal_fingerprints_dropped_total",
        "counter",
        "Answers whose fingerprint could not be kept: they are not recognised without a mark.",
        "fingerprints_dropped",
    ),
    (
        "inkseal_second_stage_spared_total",
        "counter",
        "Questions that a second stage was not asked, because it had failed several times in a row.",
        "second_stage_spared",
    ),
    ("inkseal_shadow_reviews_total", "counter", "Requests reviewed with a version on trial.", "shadowed"),
    ("inkseal_shadow_dropped_total", "counter", "Requests that a full queue kept from it.", "shadow_dropped"),
)


def exposition(
    workers: Sequence[Mapping[str, Any]],
    live: str | None,
    days_since_publish: float | None,
    entries: Mapping[str, int],
) -> str:
    """Prometheus text format 0.0.4 of what the workers told (heartbeats with `metrics` in them).

    `entries`: how many are in force, by category.
    """
    lines: list[str] = []

    def head(name: str, kind: str, text: str) -> None:
        lines.append(f"# HELP {name} {text}")
        lines.append(f"# TYPE {name} {kind}")

    for name, text, key in (
        ("inkseal_requests_total", "Requests by how they ended.", "requests"),
        ("inkseal_findings_total", "Findings of the review.", "findings"),
        ("inkseal_second_stage_total", "What a second stage was asked, and said.", "second_stage"),
    ):
        head(name, "counter", text)
        for one in workers:
            for labels, count in sorted(one["metrics"][key].items()):
                lines.append(f'{name}{{worker="{one["worker"]}",{labels}}} {count}')
    for name, kind, text, key in _PLAIN:
        head(name, kind, text)
        lines += [f'{name}{{worker="{one["worker"]}"}} {one["metrics"].get(key, 0)}' for one in workers]
    head("inkseal_path_seconds", "histogram", "Time of our own path for one piece of a stream.")
    for one in workers:
        lines += _histogram("inkseal_path_seconds", one)
    head("inkseal_library_info", "gauge", "The version with which a worker judges new requests.")
    for one in workers:
        labels = f'worker="{one["worker"]}",version="{one["version"] or ""}",trial="{one.get("trial") or ""}"'
        lines.append(f"inkseal_library_info{{{labels}}} 1")
    head(
        "inkseal_library_refused", "gauge", "Whether what is published was refused: tampered with or damaged."
    )
    lines += [
        f'inkseal_library_refused{{worker="{one["worker"]}"}} {int(bool(one["failure"]))}' for one in workers
    ]
    head("inkseal_library_converged", "gauge", "Whether all workers have the live version.")
    lines.append(f"inkseal_library_converged {int(all(one['version'] == live for one in workers))}")
    head(
        "inkseal_library_entries",
        "gauge",
        "Entries in force by risk; the norm is 200 for each of A.1, 100 for A.2.",
    )
    lines += [f'inkseal_library_entries{{category="{name}"}} {count}' for name, count in entries.items()]
    if days_since_publish is not None:
        head("inkseal_library_age_days", "gauge", "Days since the live version was published.")
        lines.append(f"inkseal_library_age_days {days_since_publish:.3f}")
    return "\n".join(lines) + "\n"


def _histogram(name: str, one: Mapping[str, Any]) -> list[str]:
    lines, total, metrics = [], 0, one["metrics"]
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), metrics["buckets"], strict=True):
        total += count
        lines.append(f'{name}_bucket{{worker="{one["worker"]}",le="{bound}"}} {total}')
    lines.append(f'{name}_sum{{worker="{one["worker"]}"}} {metrics["path_seconds"]:.6f}')
    lines.append(f'{name}_count{{worker="{one["worker"]}"}} {total}')
    return lines
