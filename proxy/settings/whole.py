"""Every setting, checked whole before anything starts. Tenants override labels, watermarks and review."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from proxy.settings.explain import explain
from proxy.settings.labels import Labels
from proxy.settings.provider import Provider, Signature
from proxy.settings.review import Library, Review
from proxy.settings.section import Section, overlaid
from proxy.settings.upstreams import UpstreamSettings
from proxy.settings.watermarks import Keys, Reading, Watermarks

__all__ = ["PROFILES", "ContentCredentials", "Settings", "Tenant"]

PROFILES = ("cn", "eu")
MIN_RETENTION_DAYS = 184  # 网络安全法 art. 21: at least six months


class Server(Section):
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    workers: int = Field(1, ge=1, le=256)
    data_dir: Path = Path("./data")
    max_body_bytes: int = Field(32 * 1024 * 1024, ge=1024)
    keepalive_seconds: float = Field(15.0, gt=0)
    detect_per_minute: int = Field(60, ge=1)


class ContentCredentials(Section):
    """C2PA manifests in exported files. `certificate`: the chain, PEM, the signer's first; `private_key`: PEM, 0600.
    `trusted_roots`: certificates of issuers, PEM, whose signatures the detector calls trusted.
    """

    enabled: bool = False
    certificate: Path | None = None
    private_key: Path | None = None
    tsa_url: str = ""
    trusted_roots: Path | None = None

    @model_validator(mode="after")
    def _check(self) -> ContentCredentials:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key belong together: give both or neither")
        if self.tsa_url and not re.match(r"https?://[^/]", self.tsa_url):
            raise ValueError("tsa_url: an address like http://timestamp.example.org is needed (RFC 3161)")
        return self


class Records(Section):
    enabled: bool = True
    url: str = "sqlite:///./data/records"
    durability: Literal["strict", "group", "relaxed"] = "group"
    retention_days: int = 200
    store_text: Literal["none", "findings", "all"] = "findings"

    @model_validator(mode="after")
    def _check(self) -> Records:
        if self.retention_days < MIN_RETENTION_DAYS:
            raise ValueError(
                f"retention_days: {self.retention_days} is under {MIN_RETENTION_DAYS} days (six months, 网络安全法)"
            )
        if not self.url.startswith("sqlite:///"):
            raise ValueError("url: this version writes to sqlite:///<folder> only")
        return self


class Fingerprints(Section):
    enabled: bool = True
    retention_days: int = Field(200, ge=1)


class TenantLimits(Section):
    """0: no limit. Each server process counts for itself."""

    requests_per_minute: int = Field(0, ge=0)
    concurrent_streams: int = Field(0, ge=0)
    tokens_per_minute: int = Field(0, ge=0)


class TenantFingerprints(Section):
    enabled: bool | None = None


class Tenant(Section):
    """One key. What it overrides is merged over the general section, key by key."""

    name: str
    key: str = ""
    key_sha256: str = ""
    models: list[str] = ["*"]
    limits: TenantLimits = TenantLimits()
    labels: dict[str, Any] = {}
    watermarks: dict[str, Any] = {}
    review: dict[str, Any] = {}
    fingerprints: TenantFingerprints = TenantFingerprints()

    @model_validator(mode="after")
    def _check(self) -> Tenant:
        if bool(self.key) == bool(self.key_sha256):
            raise ValueError("give each tenant either key or key_sha256")
        if self.key_sha256 and not re.fullmatch(r"[0-9a-f]{64}", self.key_sha256):
            raise ValueError("key_sha256: 64 lower-case hex digits (printf %s KEY | sha256sum)")
        return self


class Admin(Section):
    token: str = ""


class Endpoints(Section):
    """Paths relayed unreviewed: whole ones, or beginnings that end in `*`."""

    relay: list[str] = []

    @field_validator("relay")
    @classmethod
    def _check(cls, relay: list[str]) -> list[str]:
        for path in relay:
            if not re.fullmatch(r"/v1/[A-Za-z0-9_.~:@,=+/-]*\*?", path) or path == "/v1/" or ".." in path:
                raise ValueError(
                    f"{path!r} is not a path below /v1 like /v1/files or /v1/files/* (a * stands at the end only)"
                )
        return relay


class Settings(Section):
    server: Server = Server()
    provider: Provider = Provider()
    signature: Signature = Signature()
    upstreams: Annotated[list[UpstreamSettings], Field(min_length=1)] = [
        UpstreamSettings(name="main", base_url="http://127.0.0.1:9000/v1")
    ]
    labels: Labels = Labels()
    watermarks: Watermarks = Watermarks()
    content_credentials: ContentCredentials = ContentCredentials()
    detection: Reading = Reading()
    keys: Keys = Keys()
    review: Review = Review()
    library: Library = Library()
    records: Records = Records()
    fingerprints: Fingerprints = Fingerprints()
    tenants: list[Tenant] = []
    admin: Admin = Admin()
    endpoints: Endpoints = Endpoints()
    profile: Literal["cn", "eu"] = "cn"

    @property
    def on_loopback(self) -> bool:
        try:
            return ipaddress.ip_address(self.server.host).is_loopback
        except ValueError:
            return self.server.host == "localhost"

    @model_validator(mode="after")
    def _check(self) -> Settings:
        if not self.on_loopback:
            open_to_all = f"server.host {self.server.host} is reachable from elsewhere"
            if self.provider.code == "UNSET":
                raise ValueError(
                    f"provider.code: {open_to_all}, so the labels must name who answers for them; set it"
                )
            if not self.tenants:
                raise ValueError(f"tenants: {open_to_all}; give at least one tenant with a key")
            if not self.records.enabled:
                raise ValueError(
                    f"records.enabled: {open_to_all}; records can be off on loopback only, for benchmarks"
                )
        kinds = {u.name: u.kind for u in self.upstreams}
        for listed in self.detection.tokenizers:
            if not listed.startswith("upstream:"):
                continue
            kind = kinds.get(listed.removeprefix("upstream:"))
            if kind is None:
                raise ValueError(f"detection.tokenizers: {listed}: there is no upstream of that name")
            if kind == "local":
                raise ValueError(
                    f"detection.tokenizers: {listed}: the embedded model has no address of its own to ask; "
                    "give its tokenizer.json instead"
                )
        for what, names in (
            ("upstreams", [u.name for u in self.upstreams]),
            ("tenants", [t.name for t in self.tenants]),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"{what}: two have the same name")
        if self.labels.mode == "unlabelled":
            raise ValueError(
                "labels.mode: unlabelled is for single tenants whose applications stand in the register "
                "(inkseal unlabelled grant, 标识办法 art. 9): set it under tenants[].labels"
            )
        known = {u.name for u in self.upstreams}
        for one in [None, *self.tenants]:
            asked = self.for_tenant(one)[2].second_stage
            if asked.by == "moderations" and asked.upstream not in known:
                place = f"tenants.{one.name}.review" if one is not None else "review"
                raise ValueError(
                    f"{place}.second_stage.upstream: there is no upstream {asked.upstream!r}; known: {', '.join(sorted(known))}"
                )
        for tenant in self.tenants:
            mode = self.for_tenant(tenant)[0].mode
            if mode == "unlabelled" and not self.records.enabled:
                raise ValueError(
                    f"tenants.{tenant.name}.labels.mode: unlabelled content must be recorded (标识办法 art. 9); "
                    "switch records on"
                )
        return self

    def fingerprints_for(self, tenant: Tenant | None) -> bool:
        """Whether what this tenant's users are answered is fingerprinted."""
        own = tenant.fingerprints.enabled if tenant is not None else None
        return self.fingerprints.enabled if own is None else own

    def for_tenant(self, tenant: Tenant | None) -> tuple[Labels, Watermarks, Review]:
        """The sections that a tenant may override, merged and checked."""
        if tenant is None:
            return self.labels, self.watermarks, self.review
        merged = []
        for name in ("labels", "watermarks", "review"):
            section: BaseModel = getattr(self, name)
            override: dict[str, Any] = getattr(tenant, name)
            if "library" in override:
                raise ValueError(f"tenants.{tenant.name}.{name}.library: one library serves all tenants")
            whole = overlaid(section.model_dump(), override) if override else None
            try:
                merged.append(
                    section
                    if whole is None
                    else type(section).model_validate(whole, context={"profile": self.profile})
                )
            except ValidationError as error:
                lines = "; ".join(explain(e, type(section)) for e in error.errors())
                raise ValueError(f"tenants.{tenant.name}.{name}: {lines}") from None
        labels, watermarks, review = merged
        assert isinstance(labels, Labels)
        assert isinstance(watermarks, Watermarks)
        assert isinstance(review, Review)
        return labels, watermarks, review
