"""ReservedCode1: signed and checked, in the shapes that vendors really write."""

from __future__ import annotations

import base64
import html
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelers import reserved_code
from labelers.metadata import aigc_fields, aigc_json
from labelers.reserved_code import SM3_WITH_SM2, key_points, message, public_key, sign, verify
from labelers.sm2 import SigningKey, Sm2Error, sm3

KEY = SigningKey(0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8)
CODE = "001191440300708461136T1XGW3"
FIELDS = aigc_fields(CODE, "0693d21b6d4266ef")
PINNED = {CODE: [public_key(KEY)]}

# Two Markdown files that StepFun's assistant exported, as they were published: fields and ReservedCode1.
STEPFUN = "001191310104MACE0YX63918020"
STEPFUN_KEY = (
    "3059301306072A8648CE3D020106082A811CCF5501822D034200045728F08C58D9C72150A705693EF7337859F8FF216E802630"
    "041AFAE5C036F0A67CB1FDF8C57F5F8B623284AE09E4E545464B7140B26BBDA51BAE965F854C57AA"
)
STEPFUN_FILES = [
    (
        "142569260085903360",
        "3046022100AE6B84B3342128AE301A597596FCD9EECF3EA0FC2DB6C250BAF234E167298E90"
        "02210097223ABB647B786A90D0A1B93CB9382EA879563B2C7F025FA006BE16AE926C14",
    ),
    (
        "147392816552226816",
        "3045022100E816A5872275AE5414E7E0FD3D9B2C30F7B7FD68609D6486A38DF7CFAA1417B9"
        "02201A510FBBE50819BAFF1FCC7B8527FF23CD40447D41A6776E6BCF1F773AE0DBBC",
    ),
]


def security(*entries: Any, name: str = "PubSD", **more: Any) -> str:
    return json.dumps({"SecurityData": {"Type": "TC260PG", "Version": 1, name: list(entries), **more}})


def signature(value: str, kind: str = "Md", algorithm: str = SM3_WITH_SM2) -> dict[str, Any]:
    return {"Type": "DS", "AlgID": algorithm, "TBSData": {"Type": kind}, "Signature": value}


def key_entry(value: str) -> dict[str, Any]:
    return {"Type": "PubKey", "AlgID": SM3_WITH_SM2, "KeyValue": value}


def signed(data: bytes | None = None) -> bytes:
    return KEY.sign(message(FIELDS) if data is None else data)


def raw(der: bytes) -> bytes:
    """r || s of a DER signature."""
    first = der[4 : 4 + der[3]]
    second = der[6 + der[3] :]
    return first[-32:].rjust(32, b"\0") + second[-32:].rjust(32, b"\0")


def test_the_signed_message_is_three_pairs_joined_by_commas() -> None:
    assert (
        message(FIELDS).decode() == f'"Label":"1","ContentProducer":"{CODE}","ProduceID":"0693d21b6d4266ef"'
    )
    assert message({}) == b'"Label":"","ContentProducer":"","ProduceID":""'


@pytest.mark.parametrize("prehash", [False, True])
def test_what_we_sign_is_valid_by_its_convention_and_authentic_with_our_key_pinned(prehash: bool) -> None:
    reading = verify(FIELDS, sign(FIELDS, KEY, prehash=prehash), PINNED)
    assert reading.valid and reading.authentic and reading.present
    assert reading.convention == ("SM3(M)" if prehash else "M")
    assert reading.key == public_key(KEY)


def test_the_value_has_the_shape_of_the_guide_and_fits_into_the_label() -> None:
    code = sign(FIELDS, KEY)
    data = json.loads(code)["SecurityData"]
    assert list(data) == ["Type", "Version", "PubSD"]
    assert [list(entry) for entry in data["PubSD"]] == [
        ["Type", "AlgID", "TBSData", "Signature"],
        ["Type", "AlgID", "KeyValue"],
    ]
    label = aigc_json(FIELDS | {"ReservedCode1": code})
    assert verify(FIELDS, json.loads(label)["AIGC"]["ReservedCode1"]).valid
    assert all(0x21 <= ord(c) <= 0x7E for c in label)


@pytest.mark.parametrize(("number", "der"), STEPFUN_FILES)
def test_files_that_a_vendor_signed_verify(number: str, der: str) -> None:
    fields = aigc_fields(STEPFUN, number)
    code = security(signature(der, "LabelMataData"), key_entry(STEPFUN_KEY))
    reading = verify(fields, code)
    assert (reading.valid, reading.authentic, reading.convention) == (True, False, "SM3(M)")
    assert "no key is pinned" in reading.reason
    assert reading.key == STEPFUN_KEY
    assert verify(fields, code, {STEPFUN: [STEPFUN_KEY]}).authentic
    assert not verify(fields | {"ProduceID": number[:-1] + "9"}, code).valid


@pytest.mark.parametrize("name", ["Label", "ContentProducer", "ProduceID"])
def test_a_changed_field_breaks_the_signature(name: str) -> None:
    changed = FIELDS | {name: FIELDS[name].replace("1", "2").replace("0", "7")}
    reading = verify(changed, sign(FIELDS, KEY), PINNED)
    assert reading.present and not reading.valid and not reading.authentic
    assert "does not fit" in reading.reason


def test_the_other_fields_are_not_covered() -> None:
    assert verify(FIELDS | {"ContentPropagator": "SOMEONE", "PropagateID": "9"}, sign(FIELDS, KEY)).valid


HEX = signed().hex()
WHOLE = sign(FIELDS, KEY)
SHAPES = {
    "lower case": security(signature(HEX.lower()), key_entry(public_key(KEY).lower())),
    "r || s": security(signature(raw(signed()).hex()), key_entry(public_key(KEY))),
    "Base64": security(signature(base64.b64encode(signed()).decode()), key_entry(public_key(KEY))),
    "spaced hex": security(signature(signed().hex(" ")), key_entry(bytes.fromhex(public_key(KEY)).hex(":"))),
    "0x": security(signature("0x" + HEX), key_entry("0X" + public_key(KEY))),
    "raw point": security(signature(HEX), key_entry("04" + KEY.point.hex())),
    "x || y": security(signature(HEX), key_entry(KEY.point.hex())),
    "x alone": security(signature(HEX), key_entry(KEY.point[:32].hex())),
    "zero and x": security(signature(HEX), key_entry("00" + KEY.point[:32].hex())),
    "key first": security(key_entry(public_key(KEY)), signature(HEX)),
    "further entries": security(
        {"Type": "Bindings", "BType": 0, "Hash": "00"},
        signature(KEY.sign(b"bindings").hex(), "Binding"),
        signature("not hex", "Md"),
        signature("00", "Md"),
        signature(HEX, "LabelMataData"),
        key_entry("broken"),
        key_entry(public_key(SigningKey(9))),
        key_entry(public_key(KEY)),
        "noise",
    ),
    "PubSd": security(signature(HEX), key_entry(public_key(KEY)), name="PubSd"),
    "private part beside": security(signature(HEX), key_entry(public_key(KEY)), PrivSD=[]),
    "other case": security({k.lower(): v for k, v in signature(HEX).items()}, key_entry(public_key(KEY))).replace(
        "SecurityData", "securityData"
    ),
    "algorithm by name": security(signature(HEX, algorithm="SM3withSM2"), key_entry(public_key(KEY))),
    "no algorithm": security(signature(HEX, algorithm=""), key_entry(public_key(KEY))),
    "white space": json.dumps(json.loads(WHOLE), indent=2),
    "a JSON string": json.dumps(WHOLE),
    "a string in a string": json.dumps(json.dumps(WHOLE)),
    "inner string": json.dumps({"SecurityData": json.dumps(json.loads(WHOLE)["SecurityData"])}),
    "with its field name": json.dumps({"ReservedCode1": WHOLE}),
    "bare": json.dumps(json.loads(WHOLE)["SecurityData"]),
    "escaped once too often": WHOLE.replace('"', '\\"'),
    "escaped twice too often": WHOLE.replace('"', '\\"').replace("\\", "\\\\"),
    "HTML": html.escape(WHOLE),
    "HTML, escaped": html.escape(WHOLE.replace('"', '\\"')),
}  # fmt: skip


@pytest.mark.parametrize("shape", list(SHAPES))
def test_every_shape_of_the_same_signature_is_valid(shape: str) -> None:
    reading = verify(FIELDS, SHAPES[shape], PINNED)
    assert (reading.valid, reading.authentic, reading.convention) == (True, True, "M")


@pytest.mark.parametrize("shape", list(SHAPES))
def test_no_shape_hides_a_changed_field(shape: str) -> None:
    assert not verify(FIELDS | {"ProduceID": "0693d21b6d4266ee"}, SHAPES[shape], PINNED).valid


def test_one_entry_that_is_no_list_is_read() -> None:
    code = json.dumps({"SecurityData": {"PubSD": signature(HEX)}})
    assert verify(FIELDS, code, PINNED).authentic


def test_without_a_key_in_the_label_the_pinned_one_is_used() -> None:
    assert verify(FIELDS, security(signature(HEX)), PINNED).authentic
    reading = verify(FIELDS, security(signature(HEX)))
    assert reading.present and not reading.valid and "no readable SM2 key" in reading.reason


def test_a_key_pinned_to_somebody_else_proves_no_authenticity() -> None:
    code = sign(FIELDS, KEY)
    assert not verify(FIELDS, code, {STEPFUN: [public_key(KEY)]}).authentic
    other = verify(FIELDS, code, {CODE: [STEPFUN_KEY]})
    assert other.valid and not other.authentic and "another key than is pinned" in other.reason


def test_a_pinned_code_stands_for_all_services_of_its_organisation() -> None:
    assert verify(FIELDS, sign(FIELDS, KEY), {CODE[:22] + "00000": [public_key(KEY)]}).authentic
    assert not verify(
        FIELDS, sign(FIELDS, KEY), {"0011" + STEPFUN[4:22] + "00000": [public_key(KEY)]}
    ).authentic
    named = aigc_fields("ACME", "1")
    assert verify(named, sign(named, KEY), {"ACME": [public_key(KEY)]}).authentic
    assert not verify(
        named, sign(named, KEY), {CODE: [public_key(KEY)], "ACME-2": [public_key(KEY)]}
    ).authentic


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("1", "no SecurityData"),
        ("L-3f0a", "no SecurityData"),
        ("&amp;amp;amp;amp;amp;quot;", "no SecurityData"),
        ("{", "no SecurityData"),
        ("[" * 60_000, "no SecurityData"),
        ("x" * 70_000, "no SecurityData"),
        (json.dumps(json.dumps(json.dumps(json.dumps(json.dumps(WHOLE))))), "no SecurityData"),
        (
            json.dumps({"ReservedCode1": {"ReservedCode1": {"ReservedCode1": {"ReservedCode1": {}}}}}),
            "no SecurityData",
        ),
        ('{"Other":1}', "no SecurityData"),
        ('{"SecurityData":[]}', "no SecurityData"),
        ('{"SecurityData":{"PubSD":[]}}', "holds no signature"),
        ('{"SecurityData":{"PubSD":"x"}}', "holds no signature"),
        (security(key_entry(public_key(KEY))), "holds no signature"),
        (security({"Type": ["DS"]}), "holds no signature"),
        (security(signature("00", algorithm="1.2.840.113549.1.1.11")), "another algorithm"),
    ],
)
def test_what_cannot_be_read_is_told_and_is_never_valid(code: str, reason: str) -> None:
    reading = verify(FIELDS, code, PINNED)
    assert not reading.valid and not reading.authentic
    assert reason in reading.reason


def test_without_sm2_in_openssl_nothing_is_called_valid_or_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*arguments: Any) -> bool:
        raise Sm2Error("this OpenSSL has no SM2")

    monkeypatch.setattr(reserved_code, "fits", missing)
    reading = verify(FIELDS, sign(FIELDS, KEY))
    assert reading.present and not reading.valid
    assert reading.reason == "this OpenSSL has no SM2"


def test_the_hash_is_signed_as_a_message_of_its_own() -> None:
    code = security(signature(signed(sm3(message(FIELDS))).hex()), key_entry(public_key(KEY)))
    assert verify(FIELDS, code).convention == "SM3(M)"


def test_a_key_is_read_from_hex_and_base64_and_nothing_else() -> None:
    assert key_points(public_key(KEY)) == (KEY.point,)
    assert key_points(base64.b64encode(bytes.fromhex(public_key(KEY))).decode()) == (KEY.point,)
    assert key_points("a key") == ()


@given(st.text(max_size=60) | st.from_regex(r"[\[\]{}\",:\\a-zA-Z0-9 ]*", fullmatch=True))
def test_no_text_makes_the_reader_raise(code: str) -> None:
    assert not verify(FIELDS, code, PINNED).valid


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8),
                    lambda v: st.lists(v, max_size=3)
                    | st.dictionaries(st.sampled_from(["PubSD", "Type", "SecurityData", "Signature", "KeyValue", "x"]),
                                      v | st.sampled_from(["DS", "PubKey", public_key(KEY), HEX]), max_size=4),
                    max_leaves=20))  # fmt: skip
def test_no_json_makes_the_reader_raise(value: Any) -> None:
    assert not verify(FIELDS | {"ProduceID": "another"}, json.dumps(value), PINNED).valid
