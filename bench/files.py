"""What survives in a file that other programs open and save: the implicit label, the visible ones, the carrier.

    python -m bench.files            all programs that are installed
    python -m bench.files pandoc     only this program, or the step of that name
    python -m bench.files cost       what writing, reading and labelling take

Debian: apt-get install libreoffice-writer pandoc qpdf poppler-utils chromium. Prints the table of docs/files.md.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from detectors import files as reader
from detectors.panel import Panel
from labelers import files
from labelers.explicit import LabelStrings
from labelers.files.typeset import font_folder
from labelers.metadata import aigc_fields
from labelers.provenance import KeyRing, Provenance
from labelers.watermarks import SCHEMES

CODE = "001191440300708461136T1XGW3"
NUMBER = 5 << 24
FIELDS = aigc_fields(CODE, f"{NUMBER:016x}")
RING = KeyRing(b"k" * 32, producers=(CODE,))
STRINGS = LabelStrings("【本内容由AI生成】", "（AI生成）", "（以上内容由AI生成）", "本内容由人工智能生成")
PARAGRAPH = "这是第{}段，春江潮水连海平，海上明月共潮生，滟滟随波千万里，何处春江无月明。江流宛转绕芳甸，月照花林皆似霰。"
TEXT = (
    "# 春江花月夜\n\n" + "\n\n".join(PARAGRAPH.format(n) for n in "一二三四五六七八九十") + "\n\n- 甲\n- 乙\n"
)

Step = Callable[[bytes, Path], bytes]


def made(kind: str, text: str = TEXT) -> bytes:
    transform = SCHEMES["carrier"](RING, "default").new_transform(Provenance(CODE, NUMBER))
    marked = transform.feed(text) + transform.flush()
    created = datetime(2026, 11, 27, tzinfo=UTC)
    sheet = files.make_sheet(marked, FIELDS, STRINGS, positions=("start", "end"), created=created)
    return files.write(sheet, kind)


def through(program: str, before: str, after: str, *arguments: str) -> Step:
    """Runs a program in an empty folder: {in}, {out} and {folder} stand for the files."""

    def run(data: bytes, folder: Path) -> bytes:
        source, target = folder / f"in.{before}", folder / f"out.{after}"
        source.write_bytes(data)
        filled = [a.format(**{"in": source, "out": target, "folder": folder}) for a in arguments]
        done = subprocess.run([program, *filled], cwd=folder, capture_output=True, timeout=240, check=False)
        if target.exists():
            return target.read_bytes()
        if done.stdout:
            return done.stdout
        raise RuntimeError(done.stderr.decode("utf-8", "replace")[-200:])

    return run


def office(before: str, after: str) -> Step:
    def run(data: bytes, folder: Path) -> bytes:
        source = folder / f"in.{before}"
        source.write_bytes(data)
        profile = f"-env:UserInstallation=file://{folder}/profile"
        out = folder / "out"
        # The font that our PDFs embed, so that a machine without Chinese fonts sets the text all the same.
        fonts = folder / "fonts.conf"
        dirs = f"<dir>/usr/share/fonts</dir><dir>{font_folder()}</dir><cachedir>{folder}/cache</cachedir>"
        fonts.write_text(f"<fontconfig>{dirs}</fontconfig>", "utf-8")
        subprocess.run(
            ["soffice", profile, "--headless", "--convert-to", after, "--outdir", str(out), str(source)],
            capture_output=True, timeout=280, check=True, env=os.environ | {"FONTCONFIG_FILE": str(fonts)},
        )  # fmt: skip
        return (out / f"in.{after}").read_bytes()

    return run


def python_docx(data: bytes, folder: Path) -> bytes:
    import docx

    document = docx.Document(io.BytesIO(data))
    document.add_paragraph("添了一段。")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def pypdf_clone(data: bytes, folder: Path) -> bytes:
    import pypdf

    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def pypdf_pages(data: bytes, folder: Path) -> bytes:
    import pypdf

    writer = pypdf.PdfWriter()
    writer.append(io.BytesIO(data))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


BROWSER = ("--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir={folder}/profile")
STEPS: list[tuple[str, str, str, str, Step]] = [
    ("docx", "python-docx, a paragraph added, saved", "", "docx", python_docx),
    ("docx", "LibreOffice, saved as docx", "soffice", "docx", office("docx", "docx")),
    ("docx", "LibreOffice, saved as odt", "soffice", "odt", office("docx", "odt")),
    ("docx", "LibreOffice, exported as pdf", "soffice", "pdf", office("docx", "pdf")),
    ("docx", "pandoc to docx", "pandoc", "docx", through("pandoc", "docx", "docx", "{in}", "-o", "{out}")),
    ("docx", "pandoc to Markdown (-s)", "pandoc", "md", through("pandoc", "docx", "md", "-s", "{in}", "-o", "{out}")),
    ("pdf", "qpdf, rewritten", "qpdf", "pdf", through("qpdf", "pdf", "pdf", "--linearize", "{in}", "{out}")),
    ("pdf", "pypdf, cloned", "", "pdf", pypdf_clone),
    ("pdf", "pypdf, pages merged into a new file", "", "pdf", pypdf_pages),
    ("pdf", "pdftotext", "pdftotext", "txt", through("pdftotext", "pdf", "txt", "{in}", "{out}")),
    ("html", "Chromium, DOM saved", "chromium", "html", through("chromium", "html", "html", *BROWSER, "--dump-dom", "file://{in}")),
    ("html", "Chromium, printed to pdf", "chromium", "pdf",
     through("chromium", "html", "pdf", *BROWSER, "--print-to-pdf={out}", "file://{in}")),
    ("html", "pandoc to html (-s)", "pandoc", "html", through("pandoc", "html", "html", "-s", "{in}", "-o", "{out}")),
    ("html", "pandoc to docx", "pandoc", "docx", through("pandoc", "html", "docx", "{in}", "-o", "{out}")),
    ("md", "pandoc to Markdown (-s)", "pandoc", "md", through("pandoc", "md", "md", "-s", "{in}", "-o", "{out}")),
    ("md", "pandoc to html (-s)", "pandoc", "html", through("pandoc", "md", "html", "-s", "{in}", "-o", "{out}")),
    ("md", "pandoc to docx", "pandoc", "docx", through("pandoc", "md", "docx", "{in}", "-o", "{out}")),
    ("txt", "saved as GB18030 with CRLF", "", "txt", lambda data, _: data.decode().replace("\n", "\r\n").encode("gb18030")),
    ("txt", "saved as GBK, what it cannot hold left out", "", "txt", lambda data, _: data.decode().encode("gbk", "ignore")),
    ("json", "json, loaded and dumped as ASCII", "", "json", lambda data, _: json.dumps(json.loads(data)).encode()),
    ("epub", "pandoc to epub", "pandoc", "epub", through("pandoc", "epub", "epub", "{in}", "-o", "{out}")),
    ("epub", "pandoc to Markdown (-s)", "pandoc", "md", through("pandoc", "epub", "md", "-s", "{in}", "-o", "{out}")),
    ("odt", "LibreOffice, saved as docx", "soffice", "docx", office("odt", "docx")),
    ("odt", "LibreOffice, saved as odt", "soffice", "odt", office("odt", "odt")),
]  # fmt: skip


def survived(data: bytes, kind: str) -> str:
    reading = reader.read(data, f"a.{kind}")
    if reading.verdict == reader.UNREADABLE:
        return f"unreadable: {reading.reason} | | "
    told = {name: value for name, value in reading.fields.items() if value}
    if told == {name: value for name, value in FIELDS.items() if value}:
        implicit = "whole" if reading.verdict == reader.COMPLIANT else f"whole, {len(reading.labels)} times"
    else:
        implicit = ("changed" if told else "emptied") if reading.labels else "lost"
    report = reader.examine(reading, Panel(RING))
    carriers = [d for d in report.detections if d.detector == "carrier"]
    # Some programs set a thin space between Chinese and Latin, which comes back as a space.
    seen = [label.replace(" ", "") for label in reading.explicit]
    shown = sum(label in seen for label in (STRINGS.start, STRINGS.end))
    outcome = {"present": "genuine"}.get(str(carriers[0].outcome), str(carriers[0].outcome))
    return f"{implicit} | {shown} of 2 | {outcome}, {carriers[0].num_units_scored or 0} grains"


def cost() -> None:
    """CPU time of one file, the best of three after a first one that loads the libraries."""
    print("| file | characters | bytes | write, ms | read, ms | label, ms |\n|---|---|---|---|---|---|")
    for kind in files.WRITERS:
        for text in (TEXT, TEXT * 40):
            data = made(kind, text)
            steps = (
                lambda: made(kind, text),  # noqa: B023 - called before the next round
                lambda: reader.read(data, f"a.{kind}"),  # noqa: B023
                lambda: files.embed(data, f"a.{kind}", FIELDS),  # noqa: B023
            )
            times = [min(_cpu(step) for _ in range(3)) for step in steps]
            shown = " | ".join(f"{1000 * seconds:.1f}" for seconds in times)
            print(f"| {kind} | {len(text):,} | {len(data):,} | {shown} |", flush=True)


def _cpu(step: Callable[[], object]) -> float:
    before = time.process_time()
    step()
    return time.process_time() - before


def main(only: set[str]) -> None:
    if only == {"cost"}:
        cost()
        return
    print("| file | through | implicit label | visible labels | carrier |\n|---|---|---|---|---|")
    for kind in files.WRITERS:
        if not only:
            print(f"| {kind} | as written | {survived(made(kind), kind)} |", flush=True)
    for kind, what, program, after, step in STEPS:
        if (only and program not in only and what not in only) or (program and not shutil.which(program)):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                source = made(kind) if kind != "odt" else office("docx", "odt")(made("docx"), Path(folder))
                row = survived(step(source, Path(folder)), after)
            except (RuntimeError, subprocess.SubprocessError, OSError) as error:
                row = f"failed: {error} | | "
        print(f"| {kind} | {what} | {row} |", flush=True)


if __name__ == "__main__":
    main(set(sys.argv[1:]))
