"""Another preprocessing than the model's own, for a comparison."""

from __future__ import annotations

from pydantic import ValidationError

from googlenet.data.preprocess import Preprocessing
from googlenet.errors import SettingsError


def changed_preprocessing(
    preprocessing: Preprocessing, *, resize: str | None, resize_size: int | None
) -> tuple[Preprocessing, tuple[str, ...]]:
    """The preprocessing with other settings, and what differs in words: «resize shorter-side instead of warp»."""
    wishes = {"resize": resize, "resize_size": resize_size}
    own = preprocessing.model_dump()
    changes = {name: value for name, value in wishes.items() if value is not None and value != own[name]}
    try:
        changed = Preprocessing.model_validate(own | changes)
    except ValidationError as error:
        first = error.errors()[0]
        flag = "--" + str(first["loc"][0] if first["loc"] else "resize-size").replace("_", "-")
        raise SettingsError(f"{flag} cannot be {changes}: {first['msg']}") from error
    return changed, tuple(f"{name} {value} instead of {own[name]}" for name, value in changes.items())
