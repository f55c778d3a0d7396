"""Joining identifiers by place, compiled: the loops of ``clusters`` over arrays. Everything else is in ``partition``."""

from typing import Any

import numba
import numpy as np


def _compile(function: Any) -> Any:
    """Compiled and kept on disk; only in memory where no folder can be written."""
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return numba.njit(nogil=True)(function)


@_compile
def _root_of(parent: Any, place: int) -> int:
    root = place
    while parent[root] != root:
        root = parent[root]
    while parent[place] != root:
        parent[place], place = root, parent[place]
    return root


@_compile
def _is_forbidden(parent: Any, different: Any, one: int, other: int) -> bool:
    for row in range(different.shape[0]):
        left, right = _root_of(parent, different[row, 0]), _root_of(parent, different[row, 1])
        if (left == one and right == other) or (left == other and right == one):
            return True
    return False


@_compile
def join_evidence(first: Any, second: Any, explicit: Any, kinds: Any, limits: Any, different: Any) -> Any:
    """The root of each place after joining the pairs in their order, as ``clusters.cluster`` does."""
    parent = np.arange(len(kinds))
    size = np.ones(len(kinds), np.int64)
    counts = np.zeros((len(kinds), len(limits)), np.int32)
    has_foe = np.zeros(len(kinds), np.bool_)
    for place in range(len(kinds)):
        if kinds[place] >= 0:
            counts[place, kinds[place]] = 1
    for row in range(different.shape[0]):
        has_foe[different[row, 0]] = True
        has_foe[different[row, 1]] = True
    for edge in range(len(first)):
        one, other = _root_of(parent, first[edge]), _root_of(parent, second[edge])
        if one == other:
            continue
        if not explicit[edge]:
            is_above = False
            for kind in range(len(limits)):
                ours, theirs = counts[one, kind], counts[other, kind]
                is_above |= ours > 0 and theirs > 0 and ours + theirs > limits[kind]
            if is_above:
                continue
        if has_foe[one] and has_foe[other] and _is_forbidden(parent, different, one, other):
            continue
        if size[one] < size[other]:
            one, other = other, one
        parent[other] = one
        size[one] += size[other]
        counts[one] += counts[other]
        has_foe[one] |= has_foe[other]
    for place in range(len(kinds)):
        _root_of(parent, place)
    return parent


@_compile
def join_same(parent: Any, same: Any, different: Any) -> Any:
    """The root of each place after joining what is said to be the same, as ``clusters.join`` does."""
    for row in range(same.shape[0]):
        one, other = _root_of(parent, same[row, 0]), _root_of(parent, same[row, 1])
        if one != other and not _is_forbidden(parent, different, one, other):
            parent[other] = one
    for place in range(len(parent)):
        _root_of(parent, place)
    return parent
