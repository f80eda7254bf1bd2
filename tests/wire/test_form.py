"""Forms: every text in them is found for review, and what cannot be read is refused."""

from __future__ import annotations

import pytest

from proxy.errors import ApiError
from proxy.wire.form import form_texts, is_form

KIND = 'multipart/form-data; boundary="b"'


def part(data: bytes, *, name: str | None = "prompt", filename: str | None = None) -> bytes:
    head = "form-data"
    if name is not None:
        head += f'; name="{name}"'
    if filename is not None:
        head += f'; filename="{filename}"\r\nContent-Type: image/png'
    return b"--b\r\nContent-Disposition: " + head.encode() + b"\r\n\r\n" + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--b--\r\n"


@pytest.mark.parametrize(
    ("parts", "texts"),
    [
        ([part("春江".encode())], {"prompt": "春江"}),
        ([part(b"a"), part(b"b"), part(b"c")], {"prompt": ["a", "b", "c"]}),
        ([part(b"a", name="model"), part(b"\xff\xd8", name="image", filename="x")], {"model": "a"}),
        ([part(b"a", filename="x")], {"prompt": "a"}),
        ([part(b"")], {"prompt": ""}),
        ([part(b"--b-is-no-boundary\r\n--b2")], {"prompt": "--b-is-no-boundary\r\n--b2"}),
    ],
)
def test_texts_are_found_also_in_parts_that_call_themselves_files(
    parts: list[bytes], texts: dict[str, object]
) -> None:
    assert form_texts(form(*parts), KIND) == texts


@pytest.mark.parametrize(
    ("raw", "kind", "why"),
    [
        (form(part(b"a")), "multipart/form-data", "no boundary"),
        (b"nonsense", KIND, "boundary"),
        (part(b"a"), KIND, "no end"),
        (form(part(b"\xff")), KIND, "not UTF-8"),
        (form(part(b"a", name=None)), KIND, "no name"),
    ],
)
def test_what_cannot_be_read_is_refused(raw: bytes, kind: str, why: str) -> None:
    with pytest.raises(ApiError, match=why) as caught:
        form_texts(raw, kind)
    assert (caught.value.status, caught.value.code) == (400, "invalid_form")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(KIND, True), ("Multipart/Form-Data;x=y", True), ("application/json", False), ("", False)],
)
def test_forms_are_known_by_their_content_type(kind: str, expected: bool) -> None:
    assert is_form(kind) is expected
