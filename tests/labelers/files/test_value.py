"""What people write where the value of a label belongs, and what is said of it."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelers.files.value import MAX_VALUE, from_mapping, looks_like_label, parse
from labelers.metadata import AIGC_FIELDS, aigc_fields, aigc_json
from tests.labelers.files import samples as s


@pytest.mark.parametrize(
    "raw",
    [
        s.BARE,
        s.WRAPPED,
        f"  {s.BARE}\n",
        "\ufeff" + s.BARE,
        json.dumps(dict(reversed(s.FIELDS.items()))),
        json.dumps({"aigc": s.FIELDS}),
        json.dumps({"AIGC": s.BARE}),
        json.dumps(json.dumps(s.WRAPPED)),
        s.BARE.replace('"', '\\"'),
        s.BARE.replace('"', "&quot;"),
        json.dumps(s.FIELDS | {"Extra": "x", "Time": 3}),
    ],
)
def test_any_shape_of_json_is_the_same_label(raw: str) -> None:
    label = parse(raw, "here")
    assert label.fields == s.FIELDS
    assert list(label.fields) == list(AIGC_FIELDS)
    assert label.problems == ()
    assert label.raw == raw


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("ReserveCode1", "ReservedCode1"),
        ("reservedCode2", "ReservedCode2"),
        ("Propagator", "ContentPropagator"),
        ("produceId", "ProduceID"),
        ("content_producer", "ContentProducer"),
        ("ServiceProvider", "ContentProducer"),
        ("label", "Label"),
    ],
)
def test_misspelt_names_are_read_and_noted(key: str, name: str) -> None:
    fields = {k: v or "x" for k, v in s.FIELDS.items() if k != name} | {key: s.FIELDS[name] or "x"}
    label = parse(json.dumps(fields), "here")
    assert label.fields == {k: v or "x" for k, v in s.FIELDS.items()}
    assert f"{key} is read as {name}" in label.notes
    assert label.problems == ()


def test_of_two_spellings_of_one_name_the_first_counts() -> None:
    label = parse(json.dumps(s.FIELDS | {"Propagator": "other"}), "here")
    assert label.fields == s.FIELDS
    assert "ContentPropagator stands there twice; the first one counts" in label.notes


def test_an_object_beside_the_seven_keys_is_no_second_spelling_of_one() -> None:
    label = from_mapping({**s.FIELDS, "label": {"positions": ["start"]}, "hint": {"text": "x"}}, "", "aigc")
    assert label.fields == s.FIELDS
    assert not any("twice" in note for note in label.notes)


def test_missing_reserved_codes_are_noted_and_allowed() -> None:
    fields = {
        "Label": "1",
        "ContentProducer": "x",
        "ProduceID": "1",
        "ContentPropagator": "x",
        "PropagateID": "1",
    }
    label = parse(json.dumps(fields), "here")
    assert label.problems == ()
    assert label.notes == ("ReservedCode1 is missing", "ReservedCode2 is missing")


def test_values_that_are_no_strings_are_read_and_noted() -> None:
    signature = {"SecurityData": {"Type": "TC260PG"}}
    label = parse(
        json.dumps(s.FIELDS | {"Label": 1, "ReservedCode1": signature, "ReservedCode2": None}), "here"
    )
    assert label.fields["Label"] == "1"
    assert json.loads(label.fields["ReservedCode1"]) == signature
    assert label.fields["ReservedCode2"] == ""
    assert [note for note in label.notes if "no string" in note] == [
        "Label is no string",
        "ReservedCode1 is no string",
        "ReservedCode2 is no string",
    ]
    assert label.problems == ()


def test_characters_outside_the_set_are_noted_and_not_rejected() -> None:
    label = parse(json.dumps(s.FIELDS | {"ContentProducer": "某 公司\\", "ReservedCode1": '{"a":1}'}), "here")
    assert label.problems == ()
    assert label.notes == (
        r"ContentProducer holds characters outside the set of Annex E: '某' ' ' '公' '司' '\\'",
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"Label": "AIGC"}, "Label is 'AIGC', not 1, 2 or 3"),
        ({"Label": "4"}, "Label is '4'"),
        ({"Label": ""}, "Label is missing"),
        ({"ContentProducer": ""}, "ContentProducer missing or empty"),
        ({"ProduceID": " "}, "ProduceID missing or empty"),
        ({"ContentProducer": "", "ProduceID": ""}, "ContentProducer and ProduceID missing"),
        ({"Label": "3", "ProduceID": "", "PropagateID": ""}, "ProduceID missing"),
    ],
)
def test_what_annex_e_requires_and_is_not_there_is_a_problem(changes: dict[str, str], problem: str) -> None:
    label = parse(json.dumps(s.FIELDS | changes), "here")
    assert any(problem in found for found in label.problems), label.problems
    assert all("Annex E" in found for found in label.problems)


@pytest.mark.parametrize("says", ["2", "3"])
def test_who_spreads_an_unlabelled_file_knows_no_producer(says: str) -> None:
    assert (
        parse(json.dumps(s.FIELDS | {"Label": says, "ContentProducer": "", "ProduceID": ""}), "here").problems
        == ()
    )


def test_base64_is_decoded_and_a_problem() -> None:
    label = parse(base64.b64encode(s.WRAPPED.encode()).decode(), "here")
    assert label.fields == s.FIELDS
    assert label.problems == ("GB 45438-2025 Annex E b): the value is Base64, not the plain string",)


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        (
            '{"Label":"1","ProduceID": "7, ContentProducer: x',
            {"Label": "1", "ProduceID": "7", "ContentProducer": "x"},
        ),
        ("Label=1;ContentProducer=x;ProduceID=y", {"Label": "1", "ContentProducer": "x", "ProduceID": "y"}),
        ("{'Label': '1', 'ReserveCode1': ''}", {"Label": "1", "ReservedCode1": ""}),
        (r"{\"Label\": 1", {"Label": "1"}),
        ("{&quot;Label&quot;", {}),
        ("yes", {}),
        ("", {}),
        ("3", {}),
        ("[]", {}),
        ("A" * 60, {}),
        (base64.b64encode(b"\xff" * 60).decode(), {}),
        ("A" * 41, {}),
    ],
)
def test_what_is_no_json_is_a_problem_and_read_as_far_as_it_goes(raw: str, fields: dict[str, str]) -> None:
    label = parse(raw, "here")
    assert dict(label.fields) == fields
    assert "GB 45438-2025 Annex E b): the value is not JSON" in label.problems


def test_endless_nesting_and_size_end() -> None:
    nested = s.BARE
    for _ in range(12):
        nested = json.dumps(nested)
    assert parse(nested, "here").problems
    wrapped = s.BARE
    for _ in range(12):
        wrapped = json.dumps({"AIGC": wrapped})
    assert parse(wrapped, "here").problems
    assert parse("[" * 50_000, "here").problems
    large = parse("x" * (MAX_VALUE + 1), "here")
    assert "was not read" in large.problems[0]
    assert len(large.raw) == 200


def test_a_value_that_its_format_has_parsed_keeps_its_spelling() -> None:
    label = from_mapping({"AIGC": s.BARE}, "as it stood", "here", own_place=False, notes=["why"])
    assert (label.raw, label.fields, label.notes, label.own_place) == (
        "as it stood",
        s.FIELDS,
        ("why",),
        False,
    )


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        (s.WRAPPED, True),
        (s.BARE, False),
        ("AIGC is a term", False),
        ('{"AIGC": 1}', False),
        ('AIGC {"ProduceID"', True),
    ],
)
def test_a_string_elsewhere_is_a_label_only_if_it_tells_a_name_or_number(text: str, yes: bool) -> None:
    assert looks_like_label(text) is yes


@given(
    st.text(
        alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\'), min_size=1
    )
)
def test_what_we_write_is_read_back_without_a_remark(value: str) -> None:
    fields = aigc_fields(value, value)
    for wrapped in (False, True):
        label = parse(aigc_json(fields, wrapped=wrapped), "here")
        assert (label.fields, label.problems, label.notes) == (fields, (), ())


@given(st.text(max_size=400))
def test_no_string_raises(text: str) -> None:
    parse(text, "here")
    parse('{"Label":' + text, "here")
