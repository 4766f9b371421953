"""What ART's ablations change, on the row that they start from."""

from .systems import ART, TSM, System, Tables, joined

FULL = "ART (on TSM)"


def _of(name: str, change: Tables) -> System:
    return System(f"ART: {name}", joined(TSM, ART, change))


ABLATIONS = (
    _of("random queries", {"head": {"query": "random"}}),
    _of("learned queries", {"head": {"query": "learned"}}),
    _of("without L_spatial", {"objective": {"levels": ("temporal", "tracklet")}}),
    _of("without L_temporal", {"objective": {"levels": ("spatial", "tracklet")}}),
    _of("without L_tracklet", {"objective": {"levels": ("spatial", "temporal")}}),
    _of("without L_MTC", {"objective": {"levels": ()}}),
    _of("without SE", {"head": {"enhance_layers": 0}}),
    _of("mean in place of TA", {"head": {"aggregation": "mean"}}),
    _of("K = 1", {"head": {"queries": 1}}),
    _of("K = 4", {"head": {"queries": 4}}),
    _of("bank frozen", {"bank": {"tuned": False}}),
)
