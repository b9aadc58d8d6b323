"""Hints that name a cached object like the one asked for.

PostgREST looks names up in a fuzzy set: candidates share n-grams of three letters, or else of two,
with the name asked for, and the best by edit distance is offered if it is alike enough.
"""

from collections import Counter
from collections.abc import Iterable

LEAST_SIMILARITY = 0.33
"""How alike, of 1, the parameter lists of overloads must be to be offered, in every version."""


def nearest(asked: str, candidates: Iterable[str], least: float = LEAST_SIMILARITY) -> str | None:
    """The candidate most like `asked`, or None if none is at least so alike (0 to 1)."""
    wanted = asked.lower()
    known = [(candidate, candidate.lower()) for candidate in candidates]
    for size in (3, 2):
        grams = _grams(wanted, size)
        near = [pair for pair in known if grams & _grams(pair[1], size)]
        if near:
            # PostgREST decides between equals by a hash; this is what the recordings have.
            score, best = max((_similarity(wanted, lower), candidate) for candidate, lower in near)
            return best if score >= least else None
    return None


def _grams(text: str, size: int) -> Counter[str]:
    kept = "".join(letter for letter in text if letter.isalnum() or letter in ", _")
    padded = f"-{kept}-"
    return Counter(padded[start : start + size] for start in range(len(padded) - size + 1))


def _similarity(one: str, other: str) -> float:
    longest = max(len(one), len(other))
    return 1 - _distance(one, other) / longest if longest else 1.0


def _distance(one: str, other: str) -> int:
    """Levenshtein's."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]
