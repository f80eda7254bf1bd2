"""The settings in sentences."""

from __future__ import annotations

from proxy.review.store import live_version
from proxy.serve import notices
from proxy.settings import Settings

__all__ = ["explain"]


def explain(settings: Settings) -> list[str]:
    """The settings in sentences, for `inkseal check-config`."""
    server = settings.server
    lines = [
        f"fine: would serve http://{server.host}:{server.port} with {server.workers} worker(s), profile {settings.profile}"
    ]
    for upstream in settings.upstreams:
        where = upstream.base_url or "embedded" if upstream.kind != "scripted" else "scripted answers"
        lines.append(
            f"upstream {upstream.name}: {upstream.kind}, {where}, models {', '.join(upstream.models)}"
        )
    lines += [f"service code: {model} is {code}" for model, code in settings.provider.service_codes().items()]
    labels = settings.labels
    lines.append(
        f"labels: mode {labels.mode}, form {labels.form if labels.form == 'words' else labels.mark}, positions {', '.join(labels.positions)}, metadata {'on' if labels.metadata else 'off'}"
    )
    carrier = settings.watermarks.carrier
    lines.append(f"watermark: carrier {carrier.profile if carrier.enabled else 'off'}")
    lines.append(
        f"feature library: {live_version(settings.review.library) or 'none published'} in {settings.review.library}"
    )
    records = settings.records
    lines.append(
        f"records: {records.url}, durability {records.durability}, kept {records.retention_days} days, texts {records.store_text}"
        if records.enabled
        else "records: off"
    )
    named = {tenant.name: settings.fingerprints_for(tenant) for tenant in settings.tenants}
    logged = [name for name, on in named.items() if on] if named else ["all"] * settings.fingerprints.enabled
    lines.append(
        f"fingerprints: of {', '.join(logged)}, kept {settings.fingerprints.retention_days} days"
        if logged
        else "fingerprints: off"
    )
    lines.append(f"tenants: {', '.join(tenant.name for tenant in settings.tenants) or 'none'}")
    if settings.endpoints.relay:
        lines.append(f"relayed unreviewed, on the operator's word: {', '.join(settings.endpoints.relay)}")
    return lines + [f"note: {notice}" for notice in notices(settings)]
