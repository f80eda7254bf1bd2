"""Every setting: one YAML file, the environment on top, checked whole before anything starts.

`INKSEAL__SERVER__PORT=9000` sets server.port; a value is read as YAML, so lists and objects work too. The preset of
the profile (config/profiles) lies under all of that. `${NAME}` inside a string is taken from the environment. An
unknown key is refused with its place and the nearest known name. Tenants override labels, watermarks and review.
"""

from proxy.settings.explain import SettingsError
from proxy.settings.labels import Labels
from proxy.settings.review import Library, Review, SecondStage
from proxy.settings.source import load_settings
from proxy.settings.upstreams import Abilities, UpstreamSettings
from proxy.settings.watermarks import Carrier, Statistical, Watermarks
from proxy.settings.whole import PROFILES, ContentCredentials, Settings, Tenant

__all__ = [
    "PROFILES",
    "Abilities",
    "Carrier",
    "ContentCredentials",
    "Labels",
    "Library",
    "Review",
    "SecondStage",
    "Settings",
    "SettingsError",
    "Statistical",
    "Tenant",
    "UpstreamSettings",
    "Watermarks",
    "load_settings",
]
