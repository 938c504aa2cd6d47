"""Derivations made of others: right ones with one thing changed are the wrong ones that a student would write."""

from __future__ import annotations


def but(text: str, *changes: tuple[str, str]) -> str:
    """The text with these replacements, each of which changes something, the first time it can."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def without(text: str, number: int) -> str:
    """The text without one of its lines."""
    lines = text.strip().splitlines()
    return "\n".join(lines[: number - 1] + lines[number:])
