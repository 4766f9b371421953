"""Systems by name, ``TSM+TCM+ART``: which switches of a config each part sets."""

from typing import Any

from ..config import from_dict
from .config import VideoConfig

Tables = dict[str, dict[str, Any]]

MODELS_OF_TIME: dict[str, Tables] = {
    "TSN": {"backbone": {"shift": "none", "temporal": "none"}},
    "TSM": {"backbone": {"shift": "both"}},
    "online TSM": {"backbone": {"shift": "online"}},
    "TEA": {"backbone": {"temporal": "tea"}},
    "UniFormerV2": {"backbone": {"temporal": "uniformer"}},
    "AIM": {"backbone": {"temporal": "aim"}},
    "DiA": {"backbone": {"temporal": "dia"}},
}
PARTS: dict[str, Tables] = {
    "TCM": {"tcm": {"use": True}},
    "DSTS": {"neck": {"kind": "dsts"}},
    "ART": {"head": {"kind": "art"}},
}


def tables(name: str, base: dict[str, Any]) -> dict[str, Any]:
    """The tables of a config: ``base`` with what the parts of ``name`` set laid over it."""
    first, *parts = name.split("+")
    if first not in MODELS_OF_TIME or set(parts) - PARTS.keys():
        raise ValueError(
            f"system '{name}': one of {', '.join(MODELS_OF_TIME)}, then any of "
            + ", ".join(f"+{part}" for part in PARTS)
        )
    made = {key: dict(value) if isinstance(value, dict) else value for key, value in base.items()}
    for changes in (MODELS_OF_TIME[first], *(PARTS[part] for part in parts)):
        for key, table in changes.items():
            made[key] = {**made.get(key, {}), **table}
    return made


def system(name: str, base: dict[str, Any]) -> VideoConfig:
    """The config of a system over ``base``, nested tables as a recipe has them."""
    return from_dict(VideoConfig, tables(name, base))
