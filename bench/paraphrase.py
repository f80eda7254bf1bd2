"""Answers of the embedded model, paraphrased by the same model: does the fingerprint still find them?

    python bench/paraphrase.py --texts 50 --out FILE

End to end through HTTP: one tenant is answered with fingerprints, another, without, has the answers paraphrased (the model is a base
model: three examples, then the text), and `/api/v1/detect` is asked about what comes back. How near a paraphrase is to
its text is told by the share of its pairs of neighbouring characters (Chinese) or words (English) that the text has too.
One line a text is appended to FILE; started again it goes on. At the end, or with --texts 0 at once, the table.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.helpers import Running, serving

PROMPTS = Path(__file__).parent / "texts/prompts.json"
MODEL = "gemma-3-270m"
SAMPLING: dict[str, Any] = {
    "temperature": 0.7,
    "top_p": 0.95,
    "extra_body": {"dry_sequence_breakers": ["\n"], "cache_prompt": True},
}
LENGTH = {"zh": 70, "en": 70}  # tokens of an answer
EXAMPLES = {
    "zh": (
        "用不同的话改写每一句。\n\n"
        "原文：昨天下了一整天的雨，街上几乎没有人，店铺也早早关了门。\n改写：雨从早下到晚，路上行人稀少，商家很早就打烊了。\n\n"
        "原文：他小时候住在海边，每天放学都要去沙滩上捡贝壳。\n改写：童年时代他家靠海，下课之后总会到海滩拾贝。\n\n"
        "原文：这本书讲的是一位老师和她的学生们之间的故事。\n改写：书中写了一名教师同她班上孩子们的往事。\n\n"
        "原文：{text}\n改写："
    ),
    "en": (
        "Say each text again in other words, sentence by sentence.\n\n"
        "Text: It rained all day yesterday, the streets were almost empty, and the shops closed early. Only the baker at the corner "
        "stayed open, because he had promised bread to the school.\n"
        "In other words: Rain fell from morning to night; hardly anybody was about, and stores shut ahead of time. The one exception was "
        "the bakery on the corner, whose owner had given the school his word that there would be bread.\n\n"
        "Text: As a child he lived by the sea and collected shells on the beach every day after school. His sister preferred the "
        "harbour, where she learned the names of all the boats.\n"
        "In other words: He grew up on the coast, and once lessons were over he would go and pick up shells. To his sister the port was "
        "dearer, and there she came to know what each ship was called.\n\n"
        "Text: {text}\nIn other words:"
    ),
}


def pairs(text: str, language: str) -> set[tuple[str, str]]:
    units = re.findall(r"\w", text) if language == "zh" else re.findall(r"\w+", text.lower())
    return set(pairwise(units))


async def said(run: Running, key: str, prompt: str, tokens: int, seed: int) -> str:
    client = run.client.with_options(api_key=key, timeout=7200)
    answer = await client.completions.create(
        model=MODEL, prompt=prompt, max_tokens=tokens, seed=seed, **SAMPLING
    )
    return answer.choices[0].text


async def one(run: Running, language: str, prompt: str, seed: int) -> dict[str, Any] | None:
    text = (await said(run, "sk-kept", prompt, LENGTH[language], seed)).strip()
    run.house.fingerprints.flush()
    plain = " ".join(text.split())
    rewritten = await said(run, "sk-other", EXAMPLES[language].format(text=plain), 90, seed)
    rewritten = re.split(r"\n(?:\n|原文|Text:)", rewritten)[0].strip()
    own, theirs = pairs(plain, language), pairs(rewritten, language)
    if len(theirs) < (39 if language == "zh" else 24) or not own:
        return None
    asked = {"text": rewritten}
    found = (await run.http.post("/api/v1/detect", json=asked, timeout=600)).json()
    by = [one for one in found["detections"] if one["detector"] == "fingerprint"]
    return {
        "language": language,
        "text": plain,
        "paraphrase": rewritten,
        "shared": round(len(own & theirs) / len(theirs), 3),
        "fingerprint": by[0]["outcome"] if by else "absent",
        "verdict": found["verdict"],
    }


def table(rows: list[dict[str, Any]]) -> None:
    print("| language | share of pairs kept | texts | found | suspected only | not found |")
    print("|---|---|---|---|---|---|")
    for language in ("zh", "en"):
        own = [row for row in rows if row["language"] == language]
        for low, high in ((0.0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.01)):
            cell = [row for row in own if low <= row["shared"] < high]
            if cell:
                count = [
                    sum(row["fingerprint"] == o for row in cell)
                    for o in ("present", "inconclusive", "absent")
                ]
                print(
                    f"| {language} | {low:.1f}–{min(high, 1):.1f} | {len(cell)} | {' | '.join(map(str, count))} |"
                )
        if own:
            print(
                f"{language}: {len(own)} texts, median share {median(row['shared'] for row in own):.2f}",
                file=sys.stderr,
            )


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=50)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    rows = (
        [json.loads(line) for line in args.out.read_text("utf-8").splitlines()] if args.out.exists() else []
    )
    prompts = json.loads(PROMPTS.read_text("utf-8"))
    tenants = [
        {"name": "kept", "key": "sk-kept"},
        {"name": "other", "key": "sk-other", "fingerprints": {"enabled": False}},
    ]
    upstream = {
        "name": "model",
        "kind": "local",
        "models": [MODEL],
        "timeouts": {"first_byte": 3600, "idle": 3600, "total": 7200},
    }
    quiet = {
        "labels": {"mode": "interface", "undertaking": "benchmark"},
        "watermarks": {"carrier": {"enabled": False}},
    }
    if args.texts:
        with tempfile.TemporaryDirectory() as folder:
            async with serving(Path(folder), None, tenants=tenants, upstreams=[upstream], **quiet) as run:
                for language in ("zh", "en"):
                    seed = sum(row["language"] == language for row in rows) * 7
                    while sum(row["language"] == language for row in rows) < args.texts:
                        seed += 1
                        row = await one(run, language, prompts[language][seed % len(prompts[language])], seed)
                        if row is not None:
                            rows.append(row)
                            with args.out.open("a", encoding="utf-8") as out:
                                out.write(json.dumps(row, ensure_ascii=False) + "\n")
    table(rows)


asyncio.run(main())
