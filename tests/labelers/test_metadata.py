"""The AIGC object of GB 45438-2025 Annex E, its headers, and the provider code with its check digit."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelers.metadata import (
    AIGC_FIELDS,
    Origin,
    aigc_fields,
    aigc_headers,
    aigc_json,
    provider_code,
    provider_code_problems,
    provider_code_warnings,
    read_aigc_header,
    service_code,
    uscc_check_digit,
)

# Codes of real providers, from files that they published.
REAL = ["001191440300708461136T1XGW3", "001191310104MACE0YX63918020", "001191110102MAD55U9H0F10002"]
WRITABLE = "".join(chr(c) for c in range(0x21, 0x7F) if chr(c) not in '"\\')
ORDER = [
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
]


def test_the_first_writer_fills_seven_keys_in_order_and_is_propagator_too() -> None:
    fields = aigc_fields(REAL[0], "0693d21b6d4266ef")
    assert list(fields) == ORDER == list(AIGC_FIELDS)
    assert list(fields.values()) == ["1", REAL[0], "0693d21b6d4266ef", "", REAL[0], "0693d21b6d4266ef", ""]
    assert aigc_fields("a", "b", label="3", reserved="r")["Label"] == "3"
    assert aigc_fields("a", "b", label="3", reserved="r")["ReservedCode1"] == "r"


@pytest.mark.parametrize("bad", ["", "a b", 'a"b', "a\\b", "某公司", "a\n", "a\x7f", "é"])
def test_characters_that_annex_e_has_not_are_refused_with_the_field(bad: str) -> None:
    with pytest.raises(ValueError, match="ContentProducer"):
        aigc_fields(bad, "1")
    with pytest.raises(ValueError, match="ProduceID"):
        aigc_fields("a", bad)


@pytest.mark.parametrize("label", ["0", "4", "", "AIGC"])
def test_a_label_is_one_of_three(label: str) -> None:
    with pytest.raises(ValueError, match="none of 1, 2, 3"):
        aigc_fields("a", "1", label=label)


@given(st.text(alphabet=WRITABLE, min_size=1), st.text(alphabet=WRITABLE, min_size=1))
def test_the_value_is_plain_json_of_allowed_characters_only(producer: str, number: str) -> None:
    fields = aigc_fields(producer, number)
    wrapped, bare = aigc_json(fields), aigc_json(fields, wrapped=False)
    assert json.loads(wrapped) == {"AIGC": fields}
    assert json.loads(bare) == fields
    assert list(json.loads(bare)) == ORDER
    assert re.fullmatch(r"[\x21-\x5b\x5d-\x7e]+", wrapped)


def test_the_order_does_not_depend_on_the_mapping() -> None:
    fields = aigc_fields("a", "1")
    assert aigc_json(dict(reversed(fields.items()))) == aigc_json(fields)
    assert aigc_json(fields).startswith(
        '{"AIGC":{"Label":"1","ContentProducer":"a","ProduceID":"1","ReservedCode1":"",'
    )


def test_the_headers_tell_the_same() -> None:
    assert aigc_headers(aigc_fields("INKSEAL", "0a"), "本内容由AI生成; 100%") == [
        ("x-aigc", "label=1; producer=INKSEAL; id=0a"),
        ("x-aigc-hint", "%E6%9C%AC%E5%86%85%E5%AE%B9%E7%94%B1AI%E7%94%9F%E6%88%90%3B%20100%25"),
        ("ai-disclosure", 'mode=ai-originated;provider="INKSEAL"'),
    ]


@given(st.text(alphabet=WRITABLE, min_size=1), st.text(alphabet=WRITABLE, min_size=1), st.text())
def test_every_header_is_ascii_and_can_be_read_back(producer: str, number: str, hint: str) -> None:
    headers = dict(aigc_headers(aigc_fields(producer, number), hint))
    for value in headers.values():
        assert re.fullmatch(r"[\x20-\x7e]*", value)
    parts = dict(part.split("=", 1) for part in headers["x-aigc"].split("; "))
    assert {key: unquote(value) for key, value in parts.items()} == {
        "label": "1",
        "producer": producer,
        "id": number,
    }
    # Without a hint there is no header for it.
    assert unquote(headers.get("x-aigc-hint", "")) == hint
    assert headers["ai-disclosure"].partition('"')[2] == producer + '"'


@pytest.mark.parametrize("code", REAL)
def test_codes_of_real_providers_are_well_formed(code: str) -> None:
    assert provider_code_problems(code) == []
    assert uscc_check_digit(code[4:21]) == code[21]
    assert provider_code(code[4:22], code[22:]) == code
    assert provider_code(code[4:22]) == code[:22] + "00000"


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("001191440300708461135T1XGW3", "check digit T (character 22), its first 17 characters give"),
        (
            "001191440300708461136U1XGW3",
            "its first 17 characters give T: one of these 18 characters is wrong",
        ),
        ("001191440300708461136T3XGW3", "service part 3XGW3 starts with 1 (generate) or 2 (propagate)"),
        ("001191440300708461136T00001", "or is 00000"),
        ("011191440300708461136T1XGW3", "starts with 00 (version), not 01"),
        ("001191440300708461136U1XGW3", "check digit U (character 22)"),
        ("0011914403007O8461136T1XGW3", "cannot hold (I, O, S, V, Z): character 14 is O (a 0?)"),
        ("00119144030070846V136I1XGW3", "character 18 is V (a U?), character 22 is I (a 1?)"),
        ("001191440300708461136t1XGW3", "27 characters 0-9 A-Z, character 22 is 't'"),
        ("0011", "this one has 4"),
        ("", "this one has 0"),
        ("００1191440300708461136T1XGW", "27 characters 0-9 A-Z"),
    ],
)
def test_what_is_wrong_with_a_code_is_said(code: str, problem: str) -> None:
    assert problem in "; ".join(provider_code_problems(code))


def test_several_problems_are_all_told() -> None:
    assert len(provider_code_problems("021191440300708461135T9XGW3")) == 3


def test_codes_of_natural_persons_are_taken_by_their_pattern_and_a_warning_says_so() -> None:
    assert [provider_code_warnings(code) for code in REAL] == [[], [], []]
    (warning,) = provider_code_warnings("0021" + "A" * 18 + "1ABCD")
    assert "characters 3 and 4 are 21, not 11" in warning and "natural persons" in warning
    assert provider_code_problems("0021" + "A" * 18 + "1ABCD") == []
    assert provider_code_problems("0012" + "A" * 18 + "00000") == []


def test_a_code_is_not_built_from_a_mistake() -> None:
    with pytest.raises(ValueError, match="check digit"):
        provider_code("91440300708461135T")
    with pytest.raises(ValueError, match="27 characters"):
        provider_code("91440300708461136T", "1")


@pytest.mark.parametrize(
    "bad", ["9144030070846113", "91440300708461136T", "9144030070846113I", "9144030070846113a"]
)
def test_a_check_digit_needs_seventeen_characters_of_the_alphabet(bad: str) -> None:
    with pytest.raises(ValueError, match="is not 17 characters"):
        uscc_check_digit(bad)


@given(
    st.text(alphabet="0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=17),
    st.integers(0, 16),
    st.data(),
)
def test_the_check_digit_notices_every_single_wrong_character(
    first: str, at: int, data: st.DataObject
) -> None:
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    other = data.draw(st.sampled_from([c for c in alphabet if c != first[at]]))
    assert uscc_check_digit(first) != uscc_check_digit(first[:at] + other + first[at + 1 :])


def test_a_sum_that_is_a_multiple_of_31_gives_zero() -> None:
    assert uscc_check_digit("0" * 17) == "0"


@given(st.text(alphabet=WRITABLE, min_size=1), st.text(alphabet=WRITABLE, min_size=1))
def test_what_one_proxy_writes_into_its_header_the_next_one_reads(producer: str, number: str) -> None:
    fields = aigc_fields(producer, number, label="2")
    assert read_aigc_header(dict(aigc_headers(fields, "提示"))["x-aigc"]) == Origin("2", producer, number)


@pytest.mark.parametrize(
    "value",
    ["", "label=1", "label=4; producer=a; id=b", "label=1; producer=; id=b", "label=1; producer=a b; id=c",
     "label=1; label=1; producer=a; id=b", "label; producer=a; id=b", "label=1; producer=%E6%9F%90; id=b"],
)  # fmt: skip
def test_a_header_that_annex_e_could_not_mean_is_none(value: str) -> None:
    assert read_aigc_header(value) is None


def test_a_service_has_the_code_of_its_provider_with_a_part_of_its_own() -> None:
    assert service_code(REAL[0], "1ABCD") == REAL[0][:22] + "1ABCD"
    assert service_code(REAL[0], REAL[1]) == REAL[1]
    for bad in ("3ABCD", "ABC", "1abcd", REAL[1][:-1]):
        with pytest.raises(ValueError, match=r"service part|27 characters"):
            service_code(REAL[0], bad)
