"""Arrays come back as they were, and stay where they stand in the file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from proxy.review.arrays import pack, unpack

_bytes = st.lists(st.integers(0, 255)).map(lambda values: np.array(values, np.uint8))
_long = st.lists(st.integers(-(2**63), 2**63 - 1)).map(lambda values: np.array(values, np.int64))
_words = st.lists(st.integers(0, 2**32 - 1)).map(lambda values: np.array(values, np.uint32))


@given(
    st.dictionaries(
        st.text(max_size=5),
        _bytes | _words | _long | _long.map(lambda values: values.astype(np.uint64)),
        max_size=5,
    )
)
def test_arrays_come_back_as_they_were(arrays: dict[str, NDArray[Any]]) -> None:
    found = unpack(pack(arrays))
    assert list(found) == list(arrays)
    for name, numbers in arrays.items():
        assert found[name].dtype == numbers.dtype
        assert found[name].tolist() == numbers.tolist()


def test_they_are_not_copied_and_not_to_be_written_to() -> None:
    raw = pack({"a": np.arange(9, dtype=np.uint8), "b": np.arange(9, dtype=np.uint32)})
    whole, found = np.frombuffer(raw, np.uint8), unpack(raw)
    assert all(np.shares_memory(whole, numbers) for numbers in found.values())
    assert all(numbers.flags.aligned and not numbers.flags.writeable for numbers in found.values())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"PK",
        b"[]\n",
        b"{oops\n",
        b'{"a": ["<f8", 0, 1]}\n',
        b'{"a": ["|u1", 0, 2]}\n1',
        b'{"a": ["|u1", -1, 1]}\n1',
    ],
)
def test_other_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        unpack(raw)
