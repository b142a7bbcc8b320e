"""The report's two languages: both wordings stand side by side where they are used."""

from __future__ import annotations

from typing import Literal, Protocol

Language = Literal["en", "zh"]


class Say(Protocol):
    """Chooses between English and Chinese and fills in values."""

    def __call__(self, english: str, chinese: str, **values: object) -> str:
        """The wording with ``{name}`` replaced by the values of these names."""


def speaker(language: Language) -> Say:
    """What says everything in ``language``."""

    def say(english: str, chinese: str, **values: object) -> str:
        return (chinese if language == "zh" else english).format(**values)

    return say


def percent(rate: float | None) -> str:
    """«93.6 %»; a dash where there is nothing to tell."""
    return "–" if rate is None else f"{100 * rate:.1f} %"


def span(interval: tuple[float, float] | None) -> str:
    """«90.1–95.9 %»; empty where there is nothing to tell."""
    return "" if interval is None else f"{100 * interval[0]:.1f}–{100 * interval[1]:.1f} %"
