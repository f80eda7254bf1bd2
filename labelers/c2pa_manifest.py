"""C2PA manifests: signed and checked by the reference implementation, c2pa-rs (package c2pa-python, extra `c2pa`).

Containers that it knows (docx, pdf, epub, odt, …) it signs itself. For text it signs a hash that we compute, through
its C interface, and `labelers.c2pa` puts the manifest into its place. Without the package nothing is signed and
nothing is called valid: `C2paError` says what to install.

A valid manifest proves integrity, and the signer as far as its certificate is trusted. With a time stamp service
(RFC 3161) the time is the service's, without one the signer's own.
"""

from __future__ import annotations

import base64
import ctypes
import hashlib
import io
import json
import unicodedata
import zipfile
from ctypes import POINTER, Structure, byref, c_char_p, c_int64, c_size_t, c_void_p
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from typing import Any

from labelers.c2pa import PLACES, Carriage

__all__ = ["CONTAINERS", "C2paError", "C2paReading", "C2paSigner", "read", "sign"]

CONTAINERS = {
    "application/epub+zip",
    "application/pdf",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
_GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_TRIES = 300  # a wrapper's length varies with the bytes of the signature; one try in ten or so fits
_JUMBF = b"application/c2pa"
_BINDING = "assertion.dataHash.mismatch"
_UNTRUSTED = "signingCredential.untrusted"


class C2paError(RuntimeError):
    """The manifest cannot be made or read here."""


@dataclass(frozen=True, slots=True)
class C2paSigner:
    """`certificates`: PEM, the signer's first; `private_key`: PEM; `algorithm` as COSE names it ("es256", "ed25519" …).

    `tsa_url` "": the signer's own time. Else the library asks the service while it signs.
    """

    certificates: bytes
    private_key: bytes
    algorithm: str = "es256"
    tsa_url: str = ""


@dataclass(frozen=True, slots=True)
class C2paReading:
    """What a manifest proves. `valid`: signed, and the content is as it was; `trusted`: by a certificate of a
    known root, if roots were given; `generated`: it says that AI made the content. `signed_at`: ISO 8601, by a time
    stamp service where `stamped`, else by the signer's own clock.

    `codes`: why it is not valid, in the terms of C2PA.
    """

    present: bool
    valid: bool = False
    trusted: bool = False
    generated: bool = False
    stamped: bool = False
    signer: str = ""
    signed_at: str = ""
    generator: str = ""
    codes: tuple[str, ...] = ()


def sign(
    data: bytes, media_type: str, signer: C2paSigner, *, generator: str, when: str, title: str = ""
) -> bytes:
    """`data` with one signed manifest that says that AI generated it.

    `generator`: who says so, "Name/version"; `when`: ISO 8601, the signer's own time. ValueError: it carries a manifest already, or has no place for one.
    Raises C2paError.
    """
    definition = json.dumps(_definition(generator, when, title, media_type))
    if media_type in CONTAINERS:
        return _sign_container(data, media_type, signer, definition)
    place = PLACES.get(media_type)
    if place is None:
        raise ValueError(f"there is no place for a C2PA manifest in {media_type}")
    if place.find(data):
        raise ValueError("the text carries a C2PA manifest already")
    data = place.prepare(data)
    with_it = place.insert(data, bytes(64))
    (carriage,) = place.find(with_it)
    digest = hashlib.sha256(_covered(with_it, carriage)).digest()
    length = carriage.length
    for _ in range(_TRIES):
        store = _sign_digest(digest, carriage.start, length, signer, definition)
        signed = place.insert(data, store)
        (made,) = place.find(signed)
        if made.length == length:
            return signed
        length = made.length
    raise C2paError(f"no manifest of a length that fits in {_TRIES} tries")  # pragma: no cover - one in 10^13


def read(data: bytes, media_type: str, *, roots: bytes = b"") -> C2paReading:
    """Check the manifest in a file. `roots`: trusted certificates, PEM. Raises C2paError."""
    place = PLACES.get(media_type)
    if place is None:
        return _read_container(data, media_type, roots)
    found = place.find(data)
    if not found:
        return C2paReading(False)
    if len(found) > 1:
        return C2paReading(True, codes=("manifest.multipleManifests",))
    (carriage,) = found
    if carriage.store is None:
        return C2paReading(True, codes=("manifest.inaccessible",))
    reader = _reader("application/octet-stream", data, carriage.store, roots)
    if reader is None:
        return C2paReading(True, codes=("manifest.malformed",))
    # The library does not know where text carries manifests, so the binding is checked here.
    bound = _is_bound(reader, data, carriage, normalized=media_type == "text/plain")
    return _reading(reader, ignored={_BINDING}, more=() if bound else (_BINDING,))


def _definition(generator: str, when: str, title: str, media_type: str) -> dict[str, Any]:
    name, _, version = generator.partition("/")
    created = {"action": "c2pa.created", "digitalSourceType": _GENERATED, "when": when}
    return {
        "claim_generator_info": [{"name": name, "version": version}],
        "title": title,
        "format": media_type,
        "assertions": [{"label": "c2pa.actions", "created": True, "data": {"actions": [created]}}],
    }


def _covered(data: bytes, carriage: Carriage) -> bytes:
    return data[: carriage.start] + data[carriage.start + carriage.length :]


def _is_bound(reader: Any, data: bytes, carriage: Carriage, *, normalized: bool) -> bool:
    """Whether the hash in the manifest is that of the text without exactly the manifest."""
    manifest = json.loads(reader.detailed_json())
    active = manifest["manifests"][manifest["active_manifest"]]
    binding = active["assertion_store"].get("c2pa.hash.data", {})
    excluded = [(part["start"], part["length"]) for part in binding.get("exclusions", ())]
    if excluded != [(carriage.start, carriage.length)] or binding.get("alg", "sha256") != "sha256":
        return False
    covered = _covered(data, carriage)
    if normalized:
        covered = unicodedata.normalize("NFC", covered.decode(errors="surrogateescape")).encode(
            errors="surrogateescape"
        )
    return base64.b64decode(binding["hash"]) == hashlib.sha256(covered).digest()


def _reading(reader: Any, ignored: set[str], more: tuple[str, ...] = ()) -> C2paReading:
    results = reader.get_validation_results()["activeManifest"]
    failed = [entry["code"] for entry in results.get("failure", ())]
    passed = {entry["code"] for entry in results.get("success", ())}
    active = json.loads(reader.json())
    manifest = active["manifests"][active["active_manifest"]]
    signature = manifest.get("signature_info", {})
    codes = tuple(dict.fromkeys([c for c in failed if c not in ignored and c != _UNTRUSTED] + list(more)))
    actions = [
        action
        for assertion in manifest.get("assertions", ())
        if assertion["label"].startswith("c2pa.actions")
        for action in assertion["data"]["actions"]
    ]
    info = (manifest.get("claim_generator_info") or [{}])[0]
    return C2paReading(
        present=True,
        valid=not codes and "claimSignature.validated" in passed,
        trusted=not codes and "signingCredential.trusted" in passed,
        generated=any(action.get("digitalSourceType") == _GENERATED for action in actions),
        stamped="timeStamp.validated" in passed,
        signer=signature.get("issuer", ""),
        signed_at=signature.get("time") or next((a["when"] for a in actions if "when" in a), ""),
        generator="/".join(filter(None, (info.get("name"), info.get("version")))),
        codes=codes,
    )


def _library() -> Any:
    try:
        import c2pa
    except ImportError as error:
        raise C2paError("C2PA needs the package c2pa-python: pip install 'inkseal[c2pa]'") from error
    return c2pa


def _read_container(data: bytes, media_type: str, roots: bytes) -> C2paReading:
    if media_type not in CONTAINERS:
        return C2paReading(False)
    reader = _reader(media_type, data, None, roots)
    return C2paReading(False) if reader is None else _reading(reader, ignored=set())


def _reader(media_type: str, data: bytes, store: bytes | None, roots: bytes) -> Any:
    """None where there is no manifest, or none that can be read. The network is never asked."""
    c2pa = _library()
    trust = {"trust_anchors": roots.decode()} if roots else {}
    settings = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}, "trust": trust}
    context = c2pa.Context(c2pa.Settings.from_dict(settings))
    try:
        return c2pa.Reader(media_type, io.BytesIO(data), store, context=context)
    except c2pa.C2paError:
        return None


def _unpacked(data: bytes) -> bytes:
    """A ZIP container with its parts stored, not compressed: the library reads no others (0.38)."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as whole, zipfile.ZipFile(out, "w") as stored:
        for part in whole.infolist():
            copy = zipfile.ZipInfo(part.filename, part.date_time)
            copy.external_attr = part.external_attr
            stored.writestr(copy, whole.read(part))
    return out.getvalue()


def _sign_container(data: bytes, media_type: str, signer: C2paSigner, definition: str) -> bytes:
    c2pa = _library()
    info = c2pa.C2paSignerInfo(
        signer.algorithm.encode(), signer.certificates, signer.private_key, signer.tsa_url.encode() or None
    )
    signed = io.BytesIO()
    if data.startswith(b"PK"):
        data = _unpacked(data)
    try:
        c2pa.Builder.from_json(definition).sign(
            c2pa.Signer.from_info(info), media_type, io.BytesIO(data), signed
        )
    except c2pa.C2paError as error:
        raise C2paError(f"the manifest cannot be signed: {error}") from error
    return signed.getvalue()


class _SignerInfo(Structure):
    _fields_ = (("alg", c_char_p), ("sign_cert", c_char_p), ("private_key", c_char_p), ("ta_url", c_char_p))


@lru_cache(maxsize=1)
def _functions() -> ctypes.CDLL:
    """The C interface of the library (c2pa.h), for what the Python one leaves out."""
    _library()
    folder = files("c2pa") / "libs"
    (name,) = [
        item.name
        for item in folder.iterdir()
        if item.name in ("libc2pa_c.so", "libc2pa_c.dylib", "c2pa_c.dll")
    ]
    with as_file(folder / name) as path:
        library = ctypes.CDLL(str(path))
    for function, restype, argtypes in (
        ("c2pa_builder_data_hashed_placeholder", c_int64, [c_void_p, c_size_t, c_char_p, POINTER(c_void_p)]),
        ("c2pa_builder_free", None, [c_void_p]),
        ("c2pa_builder_from_json", c_void_p, [c_char_p]),
        ("c2pa_builder_sign_data_hashed_embeddable", c_int64,
         [c_void_p, c_void_p, c_char_p, c_char_p, c_void_p, POINTER(c_void_p)]),
        ("c2pa_error", c_void_p, []),
        ("c2pa_manifest_bytes_free", None, [c_void_p]),
        ("c2pa_signer_free", None, [c_void_p]),
        ("c2pa_signer_from_info", c_void_p, [POINTER(_SignerInfo)]),
        ("c2pa_signer_reserve_size", c_int64, [c_void_p]),
        ("c2pa_string_free", None, [c_void_p]),
    ):  # fmt: skip
        found = getattr(library, function)
        found.restype, found.argtypes = restype, argtypes
    return library


def _sign_digest(digest: bytes, start: int, length: int, signer: C2paSigner, definition: str) -> bytes:
    """A manifest store for content with this SHA-256, the bytes at `start` left out of it."""
    lib = _functions()
    info = _SignerInfo(
        signer.algorithm.encode(), signer.certificates, signer.private_key, signer.tsa_url.encode() or None
    )
    binding = {
        "exclusions": [{"start": start, "length": length}],
        "name": "jumbf manifest",
        "alg": "sha256",
        "hash": list(digest),
        "pad": [],
    }
    made = lib.c2pa_signer_from_info(byref(info))
    builder = lib.c2pa_builder_from_json(definition.encode()) if made else None
    out = c_void_p()
    try:
        if not builder:
            raise _last_error(lib)
        reserved = lib.c2pa_signer_reserve_size(made)
        if lib.c2pa_builder_data_hashed_placeholder(builder, reserved, _JUMBF, byref(out)) < 0:
            raise _last_error(lib)
        lib.c2pa_manifest_bytes_free(out)
        out = c_void_p()
        size = lib.c2pa_builder_sign_data_hashed_embeddable(
            builder, made, json.dumps(binding).encode(), _JUMBF, None, byref(out)
        )
        if size < 0:
            raise _last_error(lib)
        return ctypes.string_at(out, size)
    finally:
        lib.c2pa_manifest_bytes_free(out)
        lib.c2pa_builder_free(builder)
        lib.c2pa_signer_free(made)


def _last_error(lib: ctypes.CDLL) -> C2paError:
    pointer = lib.c2pa_error()
    text = ctypes.string_at(pointer).decode()
    lib.c2pa_string_free(pointer)
    return C2paError(f"the manifest cannot be signed: {text}")
