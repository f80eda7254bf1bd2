"""All detectors over one text, and the verdict of what they found."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from detectors.c2pa_text import C2paTextDetector
from detectors.carrier import CarrierDetector
from detectors.carrier_search import Lookup
from detectors.detection import Detection, Detector, Outcome
from detectors.explicit import ExplicitDetector
from detectors.fingerprint import FingerprintDetector
from detectors.foreign import C2PA, ForeignDetector
from detectors.statistical import StatisticalDetector
from detectors.token_marks import Tokenizer
from detectors.verdict import Report, judge
from labelers.provenance import KeyRing

__all__ = ["Panel"]


class Panel:
    """`labels`: our own label lines; the carrier sets them aside before it reads. `fingerprints`: who was
    answered what, where that is kept. `lookup`: the index of issued marks. `c2pa`: verifies what else is only named.
    `tokenizers`: of the engines that mark. `green_list`: whether words are looked through for that mark.
    `issued`: the content numbers of the answers that a statistical mark may name. `roots`: certificates whose C2PA signatures are trusted, PEM; for who reads files.
    """

    def __init__(
        self,
        ring: KeyRing,
        labels: Sequence[str] = (),
        *,
        fingerprints: FingerprintDetector | None = None,
        lookup: Lookup | None = None,
        c2pa: C2paTextDetector | None = None,
        tokenizers: Sequence[Tokenizer] = (),
        green_list: bool = False,
        roots: bytes = b"",
        issued: Callable[[], Sequence[int]] = tuple,
    ) -> None:
        self.roots = roots
        self.carrier = CarrierDetector(ring, labels, lookup)
        self.fingerprints = fingerprints
        foreign = ForeignDetector(() if c2pa is None else (C2PA,))
        self.statistical = StatisticalDetector(ring, labels, tokenizers, green_list=green_list, issued=issued)
        self._others: list[Detector] = [ExplicitDetector(labels), foreign, self.statistical]
        if c2pa is not None:
            self._others.append(c2pa)

    def examine(self, text: str, *, declared: bool = False) -> Report:
        """One detection a technique; the carrier gives one for each answer that it finds."""
        found: list[Detection] = self.carrier.detect_all(text) or [self.carrier.detect(text)]
        if self.fingerprints is not None:
            found += self.fingerprints.detect_all(text)
        found += [detector.detect(text) for detector in self._others]
        found.sort(key=lambda detection: detection.outcome is Outcome.ABSENT)
        return judge(text, found, declared=declared)
