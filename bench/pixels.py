"""Whether marked and unmarked text look the same, pixel by pixel: headless Chromium, several fonts and widths.

    pip install --group channels
    apt-get install chromium fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji fonts-wqy-zenhei \
        fonts-arphic-uming fonts-dejavu-core fonts-liberation
    python bench/pixels.py --documents 6

Each text is rendered from Markdown, with and without marks, in every font and width, and the screenshots are compared
byte for byte. A font that is not installed is left out and said.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.carrier import KEYS, START_MS, answers
from labelers.provenance import Provenance, content_number
from labelers.watermarks.carrier import CarrierScheme

FONTS = (
    "Noto Sans CJK SC",
    "Noto Serif CJK SC",
    "WenQuanYi Zen Hei",
    "AR PL UMing CN",
    "Noto Sans",
    "DejaVu Sans",
    "DejaVu Sans Mono",
    "Liberation Serif",
)
WIDTHS = (240, 390, 701, 1024)
OTHER_SCRIPTS = {
    "Japanese": "これは日本語の文章です。とても長いので、印を入れることができます。つづけて書きますから、お待ちください。漢字とかなとカタカナが混ざっています。",
    "Korean": "한국어 문장입니다, 그리고 이것은 꽤 긴 문장이라서 표시가 들어갈 수 있습니다. 계속해서 더 씁니다, 조금만 기다려 주세요.",
    "Arabic": "هذه جملة عربية طويلة نسبيا، وفيها كلمات كثيرة تكفي للعلامة هنا، ثم تستمر الجملة إلى نهايتها دون أن يتغير شيء في شكلها.",
    "Hindi": "यह एक लंबा हिन्दी वाक्य है जिसमें बहुत सारे शब्द हैं और यह चलता रहता है, ताकि चिह्न रखे जा सकें और कुछ भी न बदले.",
    "Thai": "นี่คือประโยคภาษาไทยที่ค่อนข้างยาว และมีเว้นวรรคบ้าง เพื่อให้ใส่เครื่องหมายได้ ครับผม โดยที่ไม่มีอะไรเปลี่ยนแปลงให้เห็น",
    "emoji": "今天天气很好👩‍👩‍👧‍👦，我们去公园🏞️散步吧！孩子们放风筝🪁，老人们下棋♟️。晚上看星星✨，很开心❤️，明天再来🇨🇳。",
    "mixed": "使用 Python 的 `asyncio` 时，注意 event loop 的生命周期；the loop must be closed, 否则会有警告。请参考 documentation 里的说明，一步一步来。",
}


def mark(text: str, number: int, *, second: bool) -> str:
    scheme = CarrierScheme(KEYS, "dense", second=second)
    transform = scheme.new_transform(Provenance("bench", content_number(START_MS + number, number)))
    return transform.feed(text) + transform.flush()


def installed(font: str) -> bool:
    found = subprocess.run(["fc-list", font], capture_output=True, check=True).stdout
    return bool(found.strip())


def main() -> None:
    import markdown_it
    from playwright.sync_api import sync_playwright

    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--documents", type=int, default=6, help="of Chinese, and as many of English")
    given = options.parse_args()
    texts = {
        f"{script} {n}": text[:700]
        for script in ("zh", "en")
        for n, text in enumerate(answers(script, given.documents))
    }
    texts |= OTHER_SCRIPTS
    render = markdown_it.MarkdownIt("commonmark").enable("table").render
    fonts = [font for font in FONTS if installed(font)]
    print("fonts:", ", ".join(fonts), "| not installed:", ", ".join(set(FONTS) - set(fonts)) or "none")

    different: dict[str, list[str]] = {"U+FE00-FE0F": [], "with the second carrier": []}
    cases = 0
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page()

        def picture(text: str, font: str, width: int) -> bytes:
            page.set_viewport_size({"width": width, "height": 600})
            page.set_content(f"<body style='font: 16px \"{font}\"; margin: 8px'>{render(text)}</body>")
            page.evaluate("document.fonts.ready")
            return page.screenshot(full_page=True)

        for number, (name, text) in enumerate(texts.items()):
            marks = {kind: mark(text, number, second=kind != "U+FE00-FE0F") for kind in different}
            for font in fonts:
                for width in WIDTHS:
                    plain = picture(text, font, width)
                    cases += 1
                    for kind, marked in marks.items():
                        if picture(marked, font, width) != plain:
                            different[kind].append(f"{name}, {font}, {width} px")
        print(
            f"Chromium {chromium.version}, {len(texts)} texts, {len(fonts)} fonts, {len(WIDTHS)} widths: {cases} pages\n"
        )
        chromium.close()
    print("| carrier | pages | that differ |\n|---|---|---|")
    for kind, found in different.items():
        print(f"| {kind} | {cases} | {len(found)} |")
        for one in found[:40]:
            print(f"    {one}", file=sys.stderr)


if __name__ == "__main__":
    main()
