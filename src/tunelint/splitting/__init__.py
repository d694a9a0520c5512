"""Leak-proof splits: what hangs together is found first, then whole clusters are drawn, then the linter proves it."""

from tunelint.splitting.carve import carve
from tunelint.splitting.files import SplitResult, split_files
from tunelint.splitting.material import AUTO, NONE, Material, material_of
from tunelint.splitting.together import Limits, clusters_of

__all__ = ["AUTO", "NONE", "Limits", "Material", "SplitResult", "carve", "clusters_of", "material_of", "split_files"]
