"""The settings in sentences."""

from __future__ import annotations

from proxy.keys import KeyFile
from proxy.lookups import strays_in_force
from proxy.review.failures import LibraryError
from proxy.review.pointers import live_version
from proxy.serve import notices
from proxy.settings import Settings, Statistical
from proxy.worker import library_key

__all__ = ["explain"]

_STRAYS = 20  # entries that are told one by one


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
    lines += _statistical(settings)
    lines.append(
        f"feature library: {live_version(settings.review.library) or 'none published'} in {settings.review.library}"
    )
    lines += _strays(settings)
    lines += _label_duties(settings)
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


def _strays(settings: Settings) -> list[str]:
    """Entries in force that name a tenant or a model that these settings do not have."""
    if not live_version(settings.review.library) or not settings.keys.file.exists():
        return []
    try:
        keys = KeyFile.load(settings.keys.file, settings.keys.command)
        found = strays_in_force(settings, library_key(keys))
    except (LibraryError, OSError, ValueError) as error:
        return [f"note: the feature library cannot be read: {error}"]
    lines = [f"note: entry {one.entry} ({one.pattern}) {one.field}: {one.text}" for one in found[:_STRAYS]]
    more = len(found) - len(lines)
    return [*lines, f"note: so do {more} more; see inkseal library stats --json"] if more else lines


def _statistical(settings: Settings) -> list[str]:
    """The marks in the choice of words, and the tenants that have others. --probe tells what upstreams allow."""
    usual = settings.watermarks.statistical
    lines = [f"watermark: statistical {_told(usual)}"]
    for tenant in settings.tenants:
        own = settings.for_tenant(tenant)[1].statistical
        if own != usual:
            lines.append(f"tenant {tenant.name}: statistical {_told(own)}")
    return lines


def _told(mark: Statistical) -> str:
    if mark.scheme == "none":
        return "off"
    message = ", with a message" if mark.payload else ""
    return f"{mark.scheme} (n {mark.n}, k {mark.k}){message}; --probe says what the upstreams allow"


def _label_duties(settings: Settings) -> list[str]:
    """What goes beyond the general labels: other modes, signatures, Content Credentials."""
    lines = []
    for tenant in settings.tenants:
        labels = settings.for_tenant(tenant)[0]
        if labels.mode == "interface":
            lines.append(f"tenant {tenant.name}: the app shows the label, by {labels.undertaking!r}")
        if labels.mode == "unlabelled":
            lines.append(
                f"tenant {tenant.name}: no explicit label while a grant is in force (inkseal unlabelled list)"
            )
    signature = settings.signature
    lines.append(
        f"signature: implicit labels of files, {'and of API answers' if signature.api else 'not of API answers'} "
        f"({'SM3(M)' if signature.prehash else 'M'}); keys of {len(signature.trusted)} other producer(s) are trusted"
    )
    credentials = settings.content_credentials
    if credentials.enabled and credentials.certificate is not None:
        dated = credentials.tsa_url or "the signer's own clock"
        lines.append(
            f"content credentials: exported files, signed with {credentials.certificate}, dated by {dated}"
        )
    if settings.watermarks.due_above_tokens:
        lines.append(f"a watermark is due above {settings.watermarks.due_above_tokens} tokens")
    return lines
