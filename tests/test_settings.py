"""Settings: the contract's names, the environment on top, every mistake told with place and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.settings import Settings, SettingsError, load_settings

CONTRACT = """
server:    {host: 127.0.0.1, port: 8080, workers: 1, data_dir: ./data}
provider:  {code: UNSET}
upstreams: [{name: main, kind: openai_compatible, base_url: "http://127.0.0.1:9000/v1", api_key: "${UPSTREAM_KEY}", models: ["*"]}]
labels:    {mode: text, positions: [start, end], inline_every_chars: 800, unsafe: hint, metadata: true, former: [],
            strings: {zh: {start: "【本内容由AI生成】", inline: "（AI生成）", end: "（以上内容由AI生成）", hint: "本内容由人工智能生成"},
                      en: {start: "[AI-generated / AI生成]", inline: "(AI-generated / AI生成)", end: "(The text above is AI-generated / 以上内容由AI生成)", hint: "AI-generated / 人工智能生成"}}}
watermarks: {carrier: {enabled: true, profile: default}, statistical: {scheme: none}}
keys:      {file: ./data/keys.json}
review:    {library: ./data/library, input: true, output: true, on_block: refusal}
records:   {enabled: true, url: "sqlite:///./data/records", durability: group, retention_days: 200, store_text: findings}
fingerprints: {enabled: true}
tenants:   [{name: app, key: "sk-app", labels: {positions: [end]}}]
admin:     {token: "t"}
endpoints: {relay: []}
profile:   cn
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "inkseal.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_whole_contract_is_understood_and_its_values_are_the_defaults(tmp_path: Path) -> None:
    loaded = load_settings(written(tmp_path, CONTRACT), {"UPSTREAM_KEY": "k"})
    assert loaded.upstreams[0].api_key == "k"
    default = Settings()
    for name in (
        "server",
        "provider",
        "labels",
        "watermarks",
        "keys",
        "review",
        "records",
        "fingerprints",
        "endpoints",
        "profile",
    ):
        assert getattr(loaded, name) == getattr(default, name), name


SECOND_STAGES = [
    ("{by: moderations}", "needs the name of the upstream"),
    ("{by: moderations, upstream: judge}", "there is no upstream 'judge'; known: main"),
    ("{by: similar, share: 0.1}", "share: by similar asks about suspicions only"),
    ('{unanswered: {"A.1.*": block, "*": drop}}', "unanswered"),
    ("{timeout: 0}", "timeout"),
    ("{output: always}", "sentence"),
]


@pytest.mark.parametrize(("stage", "advice"), SECOND_STAGES)
def test_a_second_stage_that_cannot_be_asked_is_refused(tmp_path: Path, stage: str, advice: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(written(tmp_path, f"review: {{second_stage: {stage}}}"), {})
    assert "second_stage" in str(refused.value) and advice in str(refused.value)


def test_the_second_stage_of_a_tenant_is_checked_and_merged(tmp_path: Path) -> None:
    tenants = (
        "tenants: [{name: app, key: sk-app, review: {second_stage: {by: moderations, upstream: judge}}}]"
    )
    with pytest.raises(SettingsError, match=r"tenants\.app\.review\.second_stage\.upstream: there is no"):
        load_settings(written(tmp_path, tenants), {})
    judge = "upstreams: [{name: judge, kind: scripted}]\nreview: {second_stage: {timeout: 7}}\n"
    loaded = load_settings(written(tmp_path, judge + tenants), {})
    stage = loaded.for_tenant(loaded.tenants[0])[2].second_stage
    assert (stage.by, stage.timeout, stage.unanswered) == ("moderations", 7, {"*": "flag"})


def test_the_shipped_default_file_is_what_the_program_does_without_one() -> None:
    path = Path(__file__).parent.parent / "config/default.yaml"
    assert load_settings(path, {"UPSTREAM_KEY": ""}) == Settings()


@pytest.mark.parametrize(
    ("text", "environ", "place", "advice"),
    [
        ("server:\n  prot: 1\n", {}, "inkseal.yaml:2: server.prot", "did you mean port?"),
        ("endpoints: {relay: [files]}\n", {}, "inkseal.yaml:1: endpoints.relay", "below /v1"),
        ("endpoints: {relay: [/v1/]}\n", {}, "endpoints.relay", "below /v1"),
        ("endpoints: {relay: ['/v1/*/x']}\n", {}, "endpoints.relay", "at the end only"),
        ("endpoints: {relay: [/v1/a/../b]}\n", {}, "endpoints.relay", "below /v1"),
        ("servr: {}\n", {}, "inkseal.yaml:1: servr", "did you mean server?"),
        ("server:\n  zzzz: 1\n", {}, "inkseal.yaml:2: server.zzzz", "known here: "),
        ("upstreams:\n- name: a\n  base_ulr: x\n", {}, "inkseal.yaml:3: upstreams.0.base_ulr", "did you mean base_url?"),
        ("upstreams: [{name: a, base_url: ftp://x}]\n", {}, "upstreams.0", "http://127.0.0.1:9000/v1"),
        ("upstreams: []\n", {}, "inkseal.yaml:1: upstreams", "at least 1"),
        ("records: {retention_days: 30}\n", {}, "records", "under 184 days"),
        ("records: {url: 'redis://x'}\n", {}, "records", "sqlite:///<folder>"),
        ("labels: {strings: {zh: {start: 你好}}}\n", {}, "labels.strings.zh.start", "lacks 人工智能 or AI and 生成 or 合成"),
        ("labels: {mode: interface}\n", {}, "labels", "labels.undertaking"),
        ("labels: {mode: unlabelled}\n", {}, "labels.mode", "inkseal unlabelled grant"),
        ("labels: {mode: unlabelled, metadata: false}\n", {}, "labels", "the implicit label stays"),
        ("tenants: [{name: a, key: k, labels: {mode: unlabelled}}]\nrecords: {enabled: false}\n", {}, "tenants.a.labels.mode", "must be recorded"),
        ("labels: {positions: []}\n", {}, "labels", "at least one"),
        ("provider: {code: 001191440300708461136T3XGW3}\n", {}, "provider.code", "starts with 1"),
        ("provider: {code: 001191440300708461135T1XGW3}\n", {}, "provider.code", "check digit"),
        ("provider: {code: 001191440300708461136T1XGW}\n", {}, "provider.code", "this one has 26"),
        ("provider: {code: 001191440300708461136t1XGW3}\n", {}, "provider.code", "character 22 is 't'"),
        ("provider: {code: 0011914403007O8461136T1XGW3}\n", {}, "provider.code", "character 14 is O (a 0?)"),
        ("provider: {code: acme, services: {m: 1CHAT}}\n", {}, "provider", "only a provider with a 27-character code"),
        ("provider: {code: 001191440300708461136T1XGW3, services: {m: 3CHAT}}\n", {}, "provider", "services.m: not a service code"),
        ("labels: {superscript: 生成}\n", {}, "labels", "superscript: '生成' lacks AI"),
        ("labels: {superscript: ' AI'}\n", {}, "labels", "without white space around it"),
        ("labels: {strings: {zh: {hint: AI}}}\n", {}, "labels.strings.zh.hint", "lacks 生成 or 合成"),
        ("labels: {strings: {zh: {hint: 生成}}}\n", {}, "labels.strings.zh.hint", "lacks 人工智能 or AI"),
        ("labels: {strings: {xx: {start: AI生成, inline: AI生成, end: AI生成, hint: AI生成}}}\n", {}, "labels", "cannot be told here; known: ar, de"),
        ("provider: {code: 某公司}\n", {}, "provider.code", "ASCII name"),
        ("server: {host: 0.0.0.0}\n", {}, "provider.code", "reachable from elsewhere"),
        ("server: {host: 0.0.0.0}\nprovider: {code: acme}\n", {}, "tenants", "at least one tenant"),
        ("server: {host: 0.0.0.0}\nprovider: {code: acme}\ntenants: [{name: a, key: k}]\nrecords: {enabled: false}\n", {}, "records.enabled", "loopback only"),
        ("tenants: [{name: a, key: k, limits: {tokens: 1}}]\n", {}, "tenants.0.limits.tokens", "did you mean tokens_per_minute?"),
        ("tenants: [{name: a, key: k, limits: {tokens_per_minute: -1}}]\n", {}, "tenants.0.limits.tokens_per_minute", "greater than or equal to 0"),
        ("tenants: [{name: a}]\n", {}, "tenants.0", "either key or key_sha256"),
        ("tenants: [{name: a, key_sha256: x}]\n", {}, "tenants.0", "64 lower-case hex"),
        ("tenants: [{name: a, key: k}, {name: a, key: l}]\n", {}, "tenants", "same name"),
        ("tenants: [{name: a, key: k, labels: {positons: [end]}}]\n", {}, "tenants.a.labels", "did you mean positions?"),
        ("tenants: [{name: a, key: k, review: {library: x}}]\n", {}, "tenants.a.review.library", "one library"),
        ("upstreams: [{name: a, base_url: 'http://x', api_key: '${NOPE}'}]\n", {}, "upstreams.0.api_key", "the environment has no NOPE"),
        ("server: [1]\n", {}, "inkseal.yaml:1: server", "valid dictionary"),
        ("- a\n", {}, "inkseal.yaml", "mapping of sections"),
        ("a: [\n", {}, "inkseal.yaml", "is not YAML"),
        ("", {"INKSEAL__SERVER__PROT": "1"}, "server.prot", "did you mean port?"),
        ("", {"INKSEAL__SERVER": "1", "INKSEAL__SERVER__PORT": "1"}, "INKSEAL__SERVER__PORT", "plain value"),
        ("", {"INKSEAL__SERVER": "[", }, "INKSEAL__SERVER", "not a YAML value"),
        ("watermarks: {statistical: {scheme: best}}\n", {}, "watermarks.statistical.scheme", "none"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_place_and_remedy(
    tmp_path: Path, text: str, environ: dict[str, str], place: str, advice: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(written(tmp_path, text), environ)
    message = str(caught.value)
    assert place in message
    assert advice in message


def test_a_file_that_is_not_there_or_not_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load_settings(tmp_path / "none.yaml", {})
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_settings(tmp_path / "b.yaml", {})


def test_the_environment_wins_and_is_read_as_yaml(tmp_path: Path) -> None:
    environ = {
        "INKSEAL__SERVER__PORT": "9",
        "INKSEAL__LABELS__POSITIONS": "[end]",
        "INKSEAL__REVIEW__OUTPUT": "false",
    }
    loaded = load_settings(written(tmp_path, "server: {port: 1}\n"), environ)
    assert (loaded.server.port, loaded.labels.positions, loaded.review.output) == (9, ["end"], False)


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("10.0.0.1", False), ("x", False)],
)
def test_loopback_is_known(host: str, local: bool) -> None:
    settings = Settings.model_construct(server=Settings().server.model_copy(update={"host": host}))
    assert settings.on_loopback is local


def test_a_tenant_overrides_what_it_names_and_nothing_else() -> None:
    document: dict[str, Any] = yaml.safe_load(
        "tenants: [{name: a, key: k, labels: {positions: [end]}, review: {on_block: error}}]"
    )
    settings = Settings.model_validate(document)
    labels, watermarks, review = settings.for_tenant(settings.tenants[0])
    assert labels.positions == ["end"]
    assert labels.strings == settings.labels.strings
    assert watermarks == settings.watermarks
    assert (review.on_block, review.input) == ("error", True)
    assert settings.for_tenant(None) == (settings.labels, settings.watermarks, settings.review)


def test_a_tenant_may_show_a_superscript_where_the_others_show_words() -> None:
    document: dict[str, Any] = yaml.safe_load(
        "tenants: [{name: a, key: k, labels: {form: superscript, superscript: html}}]"
    )
    settings = Settings.model_validate(document)
    labels = settings.for_tenant(settings.tenants[0])[0]
    wording = labels.wording()["zh"]
    assert (wording.start, wording.inline, wording.end) == ("<sup>AI</sup>",) * 3
    assert wording.hint == settings.labels.strings["zh"].hint
    assert "<sup>AI</sup>" in labels.own()
    assert "【本内容由AI生成】" in labels.own()  # what was said in words before is still ours
    assert "[AI]" not in settings.labels.own()


def test_models_may_have_service_codes_of_their_own() -> None:
    code = "001191440300708461136T1XGW3"
    settings = Settings.model_validate({"provider": {"code": code, "services": {"chat-*": "1CHAT"}}})
    assert settings.provider.service_codes() == {"chat-*": code[:22] + "1CHAT"}
    assert settings.provider.names() == (code, code[:22] + "1CHAT")
    assert settings.provider.warnings() == []


def test_what_nobody_can_check_about_a_code_is_told() -> None:
    (warning,) = Settings.model_validate(
        {"provider": {"code": "0021" + "A" * 18 + "1ABCD"}}
    ).provider.warnings()
    assert "natural persons" in warning
