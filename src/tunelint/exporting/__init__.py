"""Out of the run folder: a model that other programs load, and the data and configuration for other trainers."""

from tunelint.exporting.model import Exported, export_model

__all__ = ["Exported", "export_model"]
