"""A signed report as PDF, for people: the verdict, what it rests on, what it cannot say, and the signed JSON attached.

Made from the signed document alone, so a PDF says nothing that was not signed. The texts go in as data, never as
Typst source.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from detectors.verdict import LIMITS
from labelers.files.typeset import font_folder
from proxy.console.words import SEALS, words

__all__ = ["report_pdf"]

_TEMPLATE = b"""
#let r = json(bytes(sys.inputs.report))
#let red = rgb("#a3241a")
#let soft = rgb("#645d53")
#let c = r.created
#set document(title: r.title, author: "Inkseal", date: datetime(
  year: c.at(0), month: c.at(1), day: c.at(2), hour: c.at(3), minute: c.at(4), second: c.at(5)))
#set page(paper: "a4", margin: (x: 2.3cm, y: 2cm), footer: context text(size: 8pt, fill: soft)[
  #r.footer #h(1fr) #counter(page).display("1 / 1", both: true)])
#set text(font: ("Noto Sans CJK TC",), size: 10pt, lang: r.lang, cjk-latin-spacing: none)
#set par(leading: 0.8em, spacing: 1em)
#pdf.attach("inkseal-report.json", bytes(sys.inputs.signed), mime-type: "application/json",
  relationship: "source", description: "the signed report")
#text(size: 9pt, fill: soft, r.service)
#v(6mm)
#grid(columns: (auto, 1fr), gutter: 9mm, align: horizon,
  box(fill: if r.solid { red } else { none }, stroke: (paint: if r.empty { soft } else { red }, thickness: 1.6pt,
      dash: if r.empty { "dashed" } else { "solid" }), radius: 4pt, inset: 7pt,
    text(size: 19pt, fill: if r.solid { white } else if r.empty { soft } else { red },
      stack(dir: ttb, spacing: 5pt, ..r.seal.clusters()))),
  [#text(size: 17pt, r.headline)
   #for one in r.remarks { par(text(size: 9.5pt, one)) }])
#v(5mm)
#let facts(rows) = grid(columns: (3.4cm, 1fr), row-gutter: 2.6mm,
  ..rows.map(row => (text(fill: soft, row.at(0)), text(row.at(1)))).flatten())
#facts(r.facts)
#v(3mm)
#for card in r.cards {
  block(width: 100%, inset: (left: 9pt, y: 5pt), breakable: false,
    stroke: (left: (paint: if card.found { red } else { luma(190) }, thickness: if card.found { 2.4pt } else { 0.8pt })))[
    #text(size: 11.5pt, card.name) #h(1fr) #text(size: 9pt, fill: if card.found { red } else { soft }, card.outcome)
    #if card.facts.len() > 0 { text(size: 9pt, facts(card.facts)) }
    #if card.detail != "" { par(text(size: 8.5pt, fill: soft, card.detail)) }
    #par(text(size: 9pt, card.limit))
  ]
}
#v(3mm)
#line(length: 100%, stroke: 0.5pt + luma(190))
#text(size: 8.5pt, fill: soft, facts(r.signature))
"""


def report_pdf(signed: Mapping[str, Any], language: str) -> bytes:
    """`signed`: what `proxy.signed.sign_report` gave. Raises FileError where the font is missing."""
    import typst

    made: Any = typst.compile
    shown = _shown(signed, language)
    data: bytes = made(
        _TEMPLATE,
        format="pdf",
        font_paths=[font_folder()],
        ignore_system_fonts=True,
        sys_inputs={"report": orjson.dumps(shown).decode(), "signed": orjson.dumps(signed).decode()},
        timestamp=int(datetime.fromisoformat(signed["document"]["created"]).timestamp()),
    )
    return data


def _shown(signed: Mapping[str, Any], language: str) -> dict[str, Any]:
    w = words(language)
    document, signature = signed["document"], signed["signature"]
    report, subject = document["report"], document["subject"]
    verdict = report["verdict"]
    statutory = report["statutory"]
    created = document["created"]
    label = statutory["label"]
    size = w["characters"].format(count=f"{subject['characters']:,}") + f", {subject['bytes']:,} B"
    facts = [
        [w["file"] if subject["name"] else w["pasted"], " · ".join(filter(None, (subject["name"], size)))],
        ["SHA-256", subject["sha256"]],
        [w["statutory_heading"], (f"Label {label} · " if label else "") + statutory["basis"]],
        [w["checked_at"], created[:19].replace("T", " ") + " UTC"],
    ]
    return {
        "title": w.verdicts[verdict],
        "lang": language,
        "created": list(datetime.fromisoformat(created).utctimetuple()[:6]),
        "service": f"{document['service']['software']} · {document['service']['producer']}",
        "footer": f"{document['service']['software']} · {subject['sha256'][:16]}…",
        "seal": SEALS[verdict],
        "solid": verdict == "confirmed",
        "empty": verdict == "not_found",
        "headline": w.verdicts[verdict],
        "remarks": [report["notice"]],
        "facts": facts,
        "cards": [
            {
                "name": w.detectors.get(one["detector"], one["detector"]),
                "found": one["outcome"] != "absent",
                "outcome": w.outcomes[one["outcome"]],
                "facts": [
                    [w.origin.get(key, key), str(value)]
                    for key, value in (one["provenance"] or {}).items()
                    if value
                ],
                "detail": one["detail"] if one["outcome"] != "absent" else "",
                "limit": w.pick(LIMITS[one["detector"]]) if one["outcome"] != "absent" else "",
            }
            for one in report["detections"]
        ],
        "signature": [
            [signature["algorithm"], _grouped(signature["value"])],
            [w["public_key"], _grouped(signature["public_key"])],
            ["", w["attached"]],
        ],
    }


def _grouped(digits: str) -> str:
    """In groups, so that a line can end between them."""
    return " ".join(digits[at : at + 16] for at in range(0, len(digits), 16))
