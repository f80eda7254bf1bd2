"""The wires: bytes and JSON in, bytes and JSON out. Nothing here waits.

A new endpoint is its files and one line of the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from proxy.wire.chat_endpoint import ChatEndpoint
from proxy.wire.endpoint import Endpoint

__all__ = ["ENDPOINTS"]

ENDPOINTS: Mapping[str, Endpoint] = MappingProxyType({"/v1/chat/completions": ChatEndpoint()})
