"""Every setting: one YAML file, the environment on top, checked whole before anything starts.

`INKSEAL__SERVER__PORT=9000` sets server.port; a value is read as YAML, so lists and objects
work too. The preset of the profile (config/profiles) lies under all of that. `${NAME}` inside a string is taken from the environment. An unknown key is refused
with its place and the nearest known name. Tenants override labels, watermarks and review.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from labelers.explicit import SUPERSCRIPTS, LabelStrings, lacks_ai, missing_elements, names_ai
from labelers.locales import DETECTABLE
from labelers.metadata import provider_code_problems, provider_code_warnings, service_code
from labelers.reserved_code import key_points

__all__ = ["Labels", "Settings", "SettingsError", "Tenant", "UpstreamSettings", "load_settings"]

ENV_PREFIX = "INKSEAL__"
PROFILES = ("cn", "eu")
# Beside the package where it is installed, at the root of a checkout.
_HERE = Path(__file__).parent
_PRESETS = next(
    (p for p in (_HERE / "_config/profiles", _HERE.parent / "config/profiles") if p.is_dir()), _HERE
)
MIN_RETENTION_DAYS = 184  # 网络安全法 art. 21: at least six months


class SettingsError(ValueError):
    """What is wrong with the settings, one line each, with place and remedy."""


# A name that begins like a provider code and is nearly as long was meant as one.
_MEANT_AS_CODE = re.compile(r"00[0-9A-Za-z]{21,32}")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Server(_Section):
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    workers: int = Field(1, ge=1, le=256)
    data_dir: Path = Path("./data")
    max_body_bytes: int = Field(32 * 1024 * 1024, ge=1024)
    keepalive_seconds: float = Field(15.0, gt=0)
    detect_per_minute: int = Field(60, ge=1)


class Provider(_Section):
    """`services`: the service codes of models, by name or pattern, where they differ from that in `code`."""

    code: str = "UNSET"
    services: dict[str, str] = {}

    @field_validator("code")
    @classmethod
    def _check(cls, code: str) -> str:
        if _MEANT_AS_CODE.fullmatch(code):
            problems = provider_code_problems(code)
            if problems:
                raise ValueError("not a provider code: " + "; ".join(problems))
        elif not re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]{1,64}", code):
            raise ValueError(
                "a provider is 27 characters 0-9 A-Z (checked) or an ASCII name without spaces and quotes"
            )
        return code

    @model_validator(mode="after")
    def _check_services(self) -> Provider:
        if self.services and not _MEANT_AS_CODE.fullmatch(self.code):
            raise ValueError("services: only a provider with a 27-character code has service codes")
        for model, service in self.services.items():
            try:
                service_code(self.code, service)
            except ValueError as error:
                raise ValueError(f"services.{model}: not a service code: {error}") from None
        return self

    def service_codes(self) -> dict[str, str]:
        """The whole code of each model pattern."""
        return {model: service_code(self.code, service) for model, service in self.services.items()}

    def names(self) -> tuple[str, ...]:
        """Every ContentProducer that our labels may name."""
        return tuple(dict.fromkeys([self.code, *self.service_codes().values()]))

    def warnings(self) -> list[str]:
        """What nobody could check about the codes."""
        codes = [name for name in self.names() if _MEANT_AS_CODE.fullmatch(name)]
        return [warning for code in codes for warning in provider_code_warnings(code)]


class Signature(_Section):
    """ReservedCode1. `trusted`: public keys of other producers, by their name or code; several where they changed."""

    api: bool = False
    prehash: bool = False
    trusted: dict[str, list[str]] = {}

    @field_validator("trusted")
    @classmethod
    def _check(cls, trusted: dict[str, list[str]]) -> dict[str, list[str]]:
        for producer, keys in trusted.items():
            for key in keys:
                if not key_points(key):
                    raise ValueError(
                        f"{producer}: {key[:24]!r} is not a public SM2 key (SubjectPublicKeyInfo or point, in hex)"
                    )
        return trusted


class Timeouts(_Section):
    """Seconds."""

    connect: float = Field(5.0, gt=0)
    first_byte: float = Field(60.0, gt=0)
    idle: float = Field(60.0, gt=0)
    total: float = Field(600.0, gt=0)


class Abilities(_Section):
    """What an upstream can do. None: found out by asking, once a statistical mark needs it."""

    n: int | None = Field(None, ge=1, le=128)
    prefix: Literal["none", "trailing", "continue_final_message", "prefix", "partial"] | None = None
    repeats_prefix: bool | None = None
    top_logprobs: int | None = Field(None, ge=0)
    logit_bias: int | None = Field(None, ge=0)
    engine: Literal["none", "vllm", "sglang"] | None = None
    tokenizer: str | None = Field(None, pattern=r"^(o200k_base|cl100k_base|upstream)$")


class UpstreamSettings(_Section):
    name: str
    kind: str = Field("openai_compatible", pattern=r"^(openai_compatible|local|scripted|[\w.]+:\w+)$")
    base_url: str = ""
    api_key: str = ""
    models: list[str] = ["*"]
    timeouts: Timeouts = Timeouts()
    max_connections: int = Field(1000, ge=1)
    headers: dict[str, str] = {}
    trusted_labels: bool = False
    retries: int = Field(0, ge=0, le=5)
    capabilities: Abilities = Abilities()

    @model_validator(mode="after")
    def _check(self) -> UpstreamSettings:
        if self.kind == "openai_compatible" and not re.match(r"https?://[^/]", self.base_url):
            raise ValueError(
                "base_url: an address like http://127.0.0.1:9000/v1 is needed for kind openai_compatible"
            )
        return self


class Strings(_Section):
    start: str
    inline: str
    end: str
    hint: str

    @field_validator("start", "inline", "end", "hint")
    @classmethod
    def _check(cls, label: str, info: ValidationInfo) -> str:
        missing, rule = missing_elements(label), "GB 45438-2025 §5.1"
        if (info.context or {}).get("profile") == "eu":
            missing, rule = () if names_ai(label) else ("AI, in any language",), "AI Act art. 50"
        if missing:
            raise ValueError(f"the label {label!r} lacks {' and '.join(missing)} ({rule})")
        if "\n" in label or not label.strip() or label != label.strip():
            raise ValueError(f"the label {label!r} must be one line without white space around it")
        return label

    def plain(self) -> LabelStrings:
        return LabelStrings(self.start, self.inline, self.end, self.hint)


class Labels(_Section):
    mode: Literal["text", "interface", "unlabelled"] = "text"
    form: Literal["words", "superscript"] = "words"
    superscript: str = "plain"
    positions: list[Literal["start", "inline", "end"]] = ["start", "end"]
    inline_every_chars: int = Field(800, ge=200)
    unsafe: Literal["hint", "refuse"] = "hint"
    metadata: bool = True
    undertaking: str = ""
    former: list[Annotated[str, Field(pattern=r"\S")]] = []
    strings: dict[str, Strings] = {
        "zh": Strings(
            start="【本内容由AI生成】",
            inline="（AI生成）",
            end="（以上内容由AI生成）",
            hint="本内容由人工智能生成",
        ),
        "en": Strings(
            start="[AI-generated / AI生成]",
            inline="(AI-generated / AI生成)",
            end="(The text above is AI-generated / 以上内容由AI生成)",
            hint="AI-generated / 人工智能生成",
        ),
    }

    @model_validator(mode="after")
    def _check(self) -> Labels:
        if self.mode == "unlabelled" and not self.metadata:
            raise ValueError(
                "metadata: the implicit label stays where there is no explicit one (标识办法 art. 9)"
            )
        if self.mode == "interface" and not self.undertaking.strip():
            raise ValueError(
                "mode: interface needs labels.undertaking: who promised, in what agreement, that the app shows "
                "the hint persistently and labels what users copy"
            )
        if self.mode == "text" and not self.positions:
            raise ValueError("positions: mode text needs at least one of start, inline, end")
        for locale in ("zh", "en"):
            if locale not in self.strings:
                raise ValueError(f"strings: {locale} is missing")
        for locale in self.strings:
            if locale not in DETECTABLE:
                raise ValueError(
                    f"strings: whether a user writes in {locale!r} cannot be told here; known: {', '.join(sorted(DETECTABLE))}"
                )
        mark = self.mark
        if lacks_ai(mark):
            raise ValueError(f"superscript: {mark!r} lacks AI (GB 45438-2025 §5.1)")
        if "\n" in mark or mark != mark.strip():
            raise ValueError(f"superscript: {mark!r} must be one line without white space around it")
        return self

    @property
    def mark(self) -> str:
        """The superscript 角标 as it is written."""
        return SUPERSCRIPTS.get(self.superscript, self.superscript)

    def wording(self) -> dict[str, LabelStrings]:
        """By locale, what stands in the text in the form that was chosen; the hint is in words in any form."""
        if self.form == "words":
            return {locale: strings.plain() for locale, strings in self.strings.items()}
        mark = self.mark
        return {locale: LabelStrings(mark, mark, mark, s.hint) for locale, s in self.strings.items()}

    def own(self) -> tuple[str, ...]:
        """Every label line that is or was ours."""
        present = [label for s in self.strings.values() for label in (s.start, s.inline, s.end)]
        marks = [self.mark] if self.form == "superscript" else []
        return tuple(dict.fromkeys([*present, *marks, *self.former]))


_Profile = Literal["dense", "default", "light", "sparse", "final-only", "off"]


class Carrier(_Section):
    """`kinds`: profiles of single kinds of content. `second`: marks in U+2061..2064 beside the others. `index`: issued
    marks are kept, for as long as records are, so that two of their grains name the answer.
    """

    enabled: bool = True
    profile: _Profile = "default"
    kinds: dict[Literal["paragraph", "list", "quote"], _Profile] = {}
    second: bool = False
    index: bool = True


class Statistical(_Section):
    """`n` continuations of `k` tokens a round; `rounds_at_once` bounds them for each upstream and process.

    `draw`: how an engine that marks draws. `green_bias`: what green_list adds to log-odds.
    """

    scheme: Literal["none", "auto", "best_of_n", "logprob_walk", "substitution", "engine", "green_list"] = (
        "none"
    )
    n: int = Field(8, ge=2, le=64)
    k: int = Field(8, ge=2, le=64)
    rounds_at_once: int = Field(32, ge=1)
    payload: bool = False
    draw: Literal["gumbel", "tournament"] = "gumbel"
    green_bias: float = Field(2.0, gt=0, le=10)


class Watermarks(_Section):
    """`due_above_tokens`: free text longer than this must carry a watermark; 0: none must."""

    carrier: Carrier = Carrier()
    statistical: Statistical = Statistical()
    due_above_tokens: int = Field(0, ge=0)

    @property
    def carrier_on(self) -> bool:
        return self.carrier.enabled and {self.carrier.profile, *self.carrier.kinds.values()} != {"off"}

    @model_validator(mode="after")
    def _check(self) -> Watermarks:
        if self.due_above_tokens and not self.carrier_on and self.statistical.scheme == "none":
            raise ValueError(
                f"text of more than {self.due_above_tokens} tokens must carry a watermark here (due_above_tokens), and "
                "none is switched on: switch carrier on"
            )
        return self


class ContentCredentials(_Section):
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


class Keys(_Section):
    """`command`: a program and its arguments that print the master. `others`: shared keys of other providers."""

    file: Path = Path("./data/keys.json")
    command: list[str] = []
    others: list[Path] = []


class SecondStage(_Section):
    """复审. `timeout`: seconds; `unanswered`: by pattern of the risk, of those that fit the longest."""

    by: Literal["none", "moderations", "similar"] = "none"
    upstream: str = ""
    model: str = "omni-moderation-latest"
    input: bool = True
    output: Literal["sentence", "end", "none"] = "sentence"
    categories: list[str] = ["*"]
    tags: list[str] = []
    share: float = Field(0.0, ge=0, le=1)
    timeout: float = Field(2.0, gt=0, le=60)
    confirmed: Literal["block", "flag"] = "block"
    unanswered: dict[str, Literal["block", "flag", "release"]] = {"*": "flag"}

    @model_validator(mode="after")
    def _check(self) -> SecondStage:
        if self.by == "moderations" and not self.upstream:
            raise ValueError("upstream: by moderations needs the name of the upstream that is asked")
        if self.by == "similar" and self.share:
            raise ValueError(
                "share: by similar asks about suspicions only; similar-text entries read every text in the first stage"
            )
        if "*" not in self.unanswered:
            raise ValueError('unanswered: say what happens to all other risks ("*": block, flag or release)')
        return self


class Reading(_Section):
    """What the detector reads besides. `tokenizers`: vocabularies by name, `tokenizer.json` files, `upstream:NAME`."""

    tokenizers: list[str] = []
    green_list: bool = False

    @field_validator("tokenizers")
    @classmethod
    def _check(cls, tokenizers: list[str]) -> list[str]:
        for one in tokenizers:
            if not re.fullmatch(r"o200k_base|cl100k_base|upstream:.+|.*\.json", one):
                raise ValueError(
                    f"{one!r} is no tokenizer: o200k_base, cl100k_base, a tokenizer.json file, or upstream:NAME"
                )
        return tokenizers


class Review(_Section):
    library: Path = Path("./data/library")
    input: bool = True
    output: bool = True
    on_block: Literal["refusal", "error"] = "refusal"
    annotations: Literal["none", "azure"] = "none"
    second_stage: SecondStage = SecondStage()


class Webhook(_Section):
    """Where a notice goes when something waits. `secret` signs it (HMAC-SHA256, header X-Inkseal-Signature)."""

    url: str = Field("", pattern=r"^(https?://\S+)?$")
    secret: str = ""
    repeat_hours: float = Field(24.0, gt=0)


class Library(_Section):
    """The procedure of the feature library."""

    min_people: int = Field(2, ge=2, le=3)
    emergency_hours: int = Field(72, ge=1, le=72)
    budget_per_million: float = Field(1.0, ge=0)
    review_days: int = Field(7, ge=1, le=7)
    require_token: bool = False
    webhook: Webhook = Webhook()


class Records(_Section):
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


class Fingerprints(_Section):
    enabled: bool = True
    retention_days: int = Field(200, ge=1)


class TenantLimits(_Section):
    """0: no limit. Each server process counts for itself."""

    requests_per_minute: int = Field(0, ge=0)
    concurrent_streams: int = Field(0, ge=0)
    tokens_per_minute: int = Field(0, ge=0)


class TenantFingerprints(_Section):
    enabled: bool | None = None


class Tenant(_Section):
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


class Admin(_Section):
    token: str = ""


class Endpoints(_Section):
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


class Settings(_Section):
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
        names = [u.name for u in self.upstreams]
        for listed in self.detection.tokenizers:
            if listed.startswith("upstream:") and listed.removeprefix("upstream:") not in names:
                raise ValueError(f"detection.tokenizers: {listed}: there is no upstream of that name")
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
            whole = _merge(section.model_dump(), override) if override else None
            try:
                merged.append(
                    section
                    if whole is None
                    else type(section).model_validate(whole, context={"profile": self.profile})
                )
            except ValidationError as error:
                lines = "; ".join(_explain(e, type(section)) for e in error.errors())
                raise ValueError(f"tenants.{tenant.name}.{name}: {lines}") from None
        labels, watermarks, review = merged
        assert isinstance(labels, Labels)
        assert isinstance(watermarks, Watermarks)
        assert isinstance(review, Review)
        return labels, watermarks, review


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Reads the file (None: the defaults) and the environment. Raises SettingsError."""
    document: Any = {}
    source = "the defaults"
    text = ""
    if path is not None:
        source = str(path)
        try:
            text = path.read_text(encoding="utf-8")
            document = yaml.safe_load(text) or {}
        except OSError as error:
            raise SettingsError(f"{source}: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise SettingsError(f"{source}: is not UTF-8: {error}") from error
        except yaml.YAMLError as error:
            raise SettingsError(f"{source}: is not YAML: {error}") from error
        if not isinstance(document, dict):
            raise SettingsError(f"{source}: must be a mapping of sections (server:, upstreams:, …)")
    try:
        own = _expand(_merge(document, _from_environment(environ)), environ, ())
        profile = own.get("profile", "cn")
        whole = _merge(_preset(profile), own)
        return Settings.model_validate(whole, context={"profile": profile})
    except ValidationError as error:
        lines = [f"{_place(source, text, e['loc'])}: {_explain(e, Settings)}" for e in error.errors()]
        raise SettingsError("\n".join(lines)) from None


def _preset(profile: Any) -> dict[str, Any]:
    """What a profile sets; {} for one that there is not, which validation then tells."""
    if profile not in PROFILES:
        return {}
    document: dict[str, Any] = yaml.safe_load((_PRESETS / f"{profile}.yaml").read_text(encoding="utf-8"))
    return document


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in sorted(environ):
        if not name.startswith(ENV_PREFIX):
            continue
        steps = [step.lower() for step in name.removeprefix(ENV_PREFIX).split("__")]
        try:
            value = yaml.safe_load(environ[name])
        except yaml.YAMLError as error:
            raise SettingsError(f"environment {name}: is not a YAML value: {error}") from error
        here = found
        for step in steps[:-1]:
            inner = here.setdefault(step, {})
            if not isinstance(inner, dict):
                raise SettingsError(f"environment {name}: another variable sets {step} to a plain value")
            here = inner
        here[steps[-1]] = value
    return found


def _merge(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _expand(value: Any, environ: Mapping[str, str], place: tuple[str, ...]) -> Any:
    if isinstance(value, str):

        def variable(match: re.Match[str]) -> str:
            name = match.group(1)
            if name not in environ:
                raise SettingsError(
                    f"{'.'.join(place)}: the environment has no {name}; set it or write the value here"
                )
            return environ[name]

        return _VARIABLE.sub(variable, value)
    if isinstance(value, dict):
        return {key: _expand(child, environ, (*place, str(key))) for key, child in value.items()}
    if isinstance(value, list):
        return [_expand(child, environ, (*place, str(at))) for at, child in enumerate(value)]
    return value


def _place(source: str, text: str, loc: tuple[int | str, ...]) -> str:
    """`file:line: a.b.c`, as far as the file knows the key."""
    dotted = ".".join(str(step) for step in loc)
    line = None
    node = yaml.compose(text, Loader=yaml.SafeLoader) if text else None
    for step in loc:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == str(step)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    where = f"{source}:{line}" if line is not None else source
    return f"{where}: {dotted}" if dotted else where


def _explain(error: Any, model: type[BaseModel]) -> str:
    if error["type"] != "extra_forbidden":
        return str(error["msg"]).removeprefix("Value error, ")
    *parents, key = error["loc"]
    known = _keys_at(model, tuple(parents))
    near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(sorted(known))}"
    return f"unknown key {key!r}; {hint}"


def _keys_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    current: Any = model
    for step in loc:
        if isinstance(step, int):
            continue
        if not (isinstance(current, type) and issubclass(current, BaseModel)):
            continue
        field = current.model_fields.get(step)
        if field is None:
            return []
        current = _model_in(field.annotation) or current
    return list(current.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if (
        isinstance(annotation, type)
        and not hasattr(annotation, "__args__")
        and issubclass(annotation, BaseModel)
    ):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
