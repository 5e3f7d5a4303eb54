"""Land-cover maps from Sentinel-2 archives and ground truth."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name: str) -> str:
        """Give ``__version__``, whose one home is pyproject.toml."""
        if name != "__version__":
            raise AttributeError(f"module 'landcover' has no attribute {name!r}")
        from importlib.metadata import version

        return version("landcover")
