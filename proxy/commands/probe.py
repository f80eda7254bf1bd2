"""What the upstreams can do, asked of themselves, for `inkseal check-config --probe`."""

from __future__ import annotations

from proxy.settings import Settings
from proxy.upstreams import UpstreamError, build
from proxy.upstreams.capabilities import choose_scheme, draws_tokens
from proxy.upstreams.probe import KNOWN, Found, declared, probe

__all__ = ["probe_upstreams"]

TOKENS = "draws tokens, as an engine would"
WORDS = (
    "draws words, a weaker mark; it draws tokens without payload and with this upstream's tokenizer in "
    "detection.tokenizers (upstream:NAME, or what capabilities.tokenizer names)"
)


async def probe_upstreams(settings: Settings) -> tuple[list[str], bool]:
    """A line for each upstream and fact, and whether all of them answered. Costs a handful of tiny requests each."""
    lines, answered = [], True
    marks = [settings.for_tenant(tenant)[1].statistical for tenant in (None, *settings.tenants)]
    wanted = [one.scheme for one in marks if one.scheme != "none"]
    messages = all(one.payload for one in marks if one.scheme == "logprob_walk")
    for one in settings.upstreams:
        known = declared(one.capabilities, KNOWN.get(one.kind))
        found = Found(known, notes=["declared, or known of its kind"]) if known is not None else None
        if found is None:
            upstream = build(one)
            try:
                await upstream.start()
                found = await probe(upstream, one.models, one.capabilities)
            except UpstreamError as error:
                lines.append(f"upstream {one.name}: did not answer: {error}")
                answered = False
                continue
            finally:
                await upstream.close()
        lines += [f"upstream {one.name}: {note}" for note in found.notes]
        answered = answered and found.answered
        if not found.answered:
            continue
        lines.append(
            f"upstream {one.name}: can: "
            + ", ".join(f"{key} {value}" for key, value in found.can.told().items())
        )
        for scheme in dict.fromkeys((*wanted, "auto")):
            choice = choose_scheme(scheme, found.can)
            lines.append(
                f"upstream {one.name}: scheme {scheme}: {choice.scheme or 'none'}, because {choice.why}"
            )
            if choice.scheme == "logprob_walk":
                by_tokens = draws_tokens(one.name, found.can, settings.detection.tokenizers)
                by_tokens = by_tokens and not messages
                lines.append(f"upstream {one.name}: logprob_walk {TOKENS if by_tokens else WORDS}")
    return lines, answered
