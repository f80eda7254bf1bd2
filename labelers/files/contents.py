"""What a file holds: its text and the implicit labels in it, as found. Nobody judges here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["MAX_FILE", "MAX_TEXT", "FileContents", "FileError", "ImplicitLabel"]

MAX_FILE = 64 * 1024 * 1024  # bytes; a larger one is refused before anything is read of it
MAX_TEXT = 16 * 1024 * 1024  # code points of text that are taken from one file


class FileError(ValueError):
    """A file that cannot be read or written, and why, in one sentence for whoever brought it."""


@dataclass(frozen=True, slots=True)
class ImplicitLabel:
    """One implicit label 隐式标识 as it stands in a file (GB 45438-2025 §6.1, Annex E).

    `place`: where, for people. `raw`: the value as spelt. `fields`: what it says, under the seven names of
    Annex E, as far as they are there, all strings. `problems`: why it is no label by Annex E, each
    sentence naming its clause; `notes`: what is unusual and harmless. `own_place`: it stands where the
    practice guide for this format (or, where there is none, custom) puts it.
    """

    place: str
    raw: str
    fields: Mapping[str, str]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    own_place: bool = True


@dataclass(frozen=True, slots=True)
class FileContents:
    """`format`: a key of `FORMATS`; `text`: what a reader of the file sees, paragraphs as lines."""

    format: str
    labels: tuple[ImplicitLabel, ...]
    text: str
    notes: tuple[str, ...] = ()
