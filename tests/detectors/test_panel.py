"""All detectors over one text: what was found comes first, and the verdict rests on it."""

from __future__ import annotations

from detectors.panel import Panel
from labelers.provenance import KeyRing, Provenance
from labelers.watermarks import SCHEMES

RING = KeyRing(b"k" * 32, producers=("P",))
LABEL = "【本内容由AI生成】"
PROSE = "".join(
    f"这是第{n}段，春江潮水连海平，海上明月共潮生，滟滟随波千万里，何处春江无月明。"
    for n in "一二三四五六七八九十"
)


def marked(number: int, prose: str = PROSE) -> str:
    transform = SCHEMES["carrier"](RING, "default").new_transform(Provenance("P", number))
    return transform.feed(prose) + transform.flush()


def names(text: str, **options: bool) -> tuple[str, list[tuple[str, str]]]:
    report = Panel(RING, (LABEL,)).examine(text, **options)
    return report.verdict, [(d.detector, str(d.outcome)) for d in report.detections]


def test_every_detector_speaks_also_when_nothing_is_there() -> None:
    absent = [(name, "absent") for name in ("carrier", "explicit", "foreign", "statistical")]
    assert names("春江潮水") == ("not_found", absent)
    assert names("春江潮水", declared=True) == ("possible", absent)


def test_what_was_found_comes_first() -> None:
    assert names(f"{LABEL}\n\n春") == (
        "suspected",
        [("explicit", "present"), ("carrier", "absent"), ("foreign", "absent"), ("statistical", "absent")],
    )
    verdict, found = names("春\u200b\u034f\u2060\u200b江")
    assert (verdict, found[0]) == ("suspected", ("foreign", "inconclusive"))


def test_our_carrier_under_its_label_is_confirmed_with_its_origin() -> None:
    report = Panel(RING, (LABEL,)).examine(f"{LABEL}\n\n{marked(7 << 24)}")
    assert report.verdict == "confirmed"
    assert [d.detector for d in report.detections] == ["carrier", "explicit", "foreign", "statistical"]
    assert report.detections[0].provenance is not None
    assert report.detections[0].provenance["content_id"] == f"{7 << 24:016x}"


def test_a_paste_of_several_answers_names_each() -> None:
    other = PROSE.replace("春江", "秋水").replace("明月", "清风")
    report = Panel(RING).examine(f"{marked(7 << 24)}\n\n{marked(9 << 24, other)}")
    ids = [d.provenance["content_id"] for d in report.detections if d.provenance]
    assert ids == [f"{7 << 24:016x}", f"{9 << 24:016x}"]


def test_another_key_does_not_know_our_carrier() -> None:
    assert Panel(KeyRing(b"x" * 32)).examine(marked(7 << 24)).verdict == "suspected"
