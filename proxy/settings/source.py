"""Where settings come from: one YAML file, the environment on top, the preset of the profile under both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from proxy.settings.explain import SettingsError, explain
from proxy.settings.section import overlaid
from proxy.settings.whole import PROFILES, Settings

__all__ = ["load_settings"]

ENV_PREFIX = "INKSEAL__"
# Beside the package where it is installed, at the root of a checkout.
_HERE = Path(__file__).parent.parent
_PRESETS = next(
    (p for p in (_HERE / "_config/profiles", _HERE.parent / "config/profiles") if p.is_dir()), _HERE
)


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
        own = _expand(overlaid(document, _from_environment(environ)), environ, ())
        profile = own.get("profile", "cn")
        whole = overlaid(_preset(profile), own)
        return Settings.model_validate(whole, context={"profile": profile})
    except ValidationError as error:
        lines = [f"{_place(source, text, e['loc'])}: {explain(e, Settings)}" for e in error.errors()]
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
