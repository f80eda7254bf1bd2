"""Explicit and implicit labels: `labels`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from labelers.explicit import SUPERSCRIPTS, LabelStrings, lacks_ai, missing_elements, names_ai
from labelers.locales import DETECTABLE
from proxy.settings.section import Section

__all__ = ["Labels", "Strings"]


class Strings(Section):
    start: str
    inline: str
    end: str
    hint: str

    @field_validator("start", "inline", "end", "hint")
    @classmethod
    def _check(cls, label: str, info: ValidationInfo) -> str:
        missing, rule = missing_elements(label), "GB 45438-2025 §5.1"
        if (info.context or {}).get("profile") == "eu":
            missing, rule = () if names_ai(label) else ("AI, in any language",), "AI Act art. 50"
        if missing:
            raise ValueError(f"the label {label!r} lacks {' and '.join(missing)} ({rule})")
        if "\n" in label or not label.strip() or label != label.strip():
            raise ValueError(f"the label {label!r} must be one line without white space around it")
        return label

    def plain(self) -> LabelStrings:
        return LabelStrings(self.start, self.inline, self.end, self.hint)


class Labels(Section):
    mode: Literal["text", "interface", "unlabelled"] = "text"
    form: Literal["words", "superscript"] = "words"
    superscript: str = "plain"
    positions: list[Literal["start", "inline", "end"]] = ["start", "end"]
    inline_every_chars: int = Field(800, ge=200)
    unsafe: Literal["hint", "refuse"] = "hint"
    metadata: bool = True
    undertaking: str = ""
    former: list[Annotated[str, Field(pattern=r"\S")]] = []
    strings: dict[str, Strings] = {
        "zh": Strings(
            start="【本内容由AI生成】",
            inline="（AI生成）",
            end="（以上内容由AI生成）",
            hint="本内容由人工智能生成",
        ),
        "en": Strings(
            start="[AI-generated / AI生成]",
            inline="(AI-generated / AI生成)",
            end="(The text above is AI-generated / 以上内容由AI生成)",
            hint="AI-generated / 人工智能生成",
        ),
    }

    @model_validator(mode="after")
    def _check(self) -> Labels:
        if self.mode == "unlabelled" and not self.metadata:
            raise ValueError(
                "metadata: the implicit label stays where there is no explicit one (标识办法 art. 9)"
            )
        if self.mode == "interface" and not self.undertaking.strip():
            raise ValueError(
                "mode: interface needs labels.undertaking: who promised, in what agreement, that the app shows "
                "the hint persistently and labels what users copy"
            )
        if self.mode == "text" and not self.positions:
            raise ValueError("positions: mode text needs at least one of start, inline, end")
        for locale in ("zh", "en"):
            if locale not in self.strings:
                raise ValueError(f"strings: {locale} is missing")
        for locale in self.strings:
            if locale not in DETECTABLE:
                raise ValueError(
                    f"strings: whether a user writes in {locale!r} cannot be told here; known: {', '.join(sorted(DETECTABLE))}"
                )
        mark = self.mark
        if lacks_ai(mark):
            raise ValueError(f"superscript: {mark!r} lacks AI (GB 45438-2025 §5.1)")
        if "\n" in mark or mark != mark.strip():
            raise ValueError(f"superscript: {mark!r} must be one line without white space around it")
        return self

    @property
    def mark(self) -> str:
        """The superscript 角标 as it is written."""
        return SUPERSCRIPTS.get(self.superscript, self.superscript)

    def wording(self) -> dict[str, LabelStrings]:
        """By locale, what stands in the text in the form that was chosen; the hint is in words in any form."""
        if self.form == "words":
            return {locale: strings.plain() for locale, strings in self.strings.items()}
        mark = self.mark
        return {locale: LabelStrings(mark, mark, mark, s.hint) for locale, s in self.strings.items()}

    def own(self) -> tuple[str, ...]:
        """Every label line that is or was ours."""
        present = [label for s in self.strings.values() for label in (s.start, s.inline, s.end)]
        marks = [self.mark] if self.form == "superscript" else []
        return tuple(dict.fromkeys([*present, *marks, *self.former]))
