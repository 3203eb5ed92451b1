"""SAM's own modules from the PyPI package `segment-anything`, without its other imports."""

import sys
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType


@cache
def modeling() -> ModuleType:
    """Import `segment_anything.modeling` under a name of our own.

    The package's own __init__ needs torchvision, for parts that are not used here. Under its
    own name a half-imported package would stay behind for whoever imports it next.

    Raises:
        ModuleNotFoundError: segment-anything is not installed.
    """
    package = find_spec("segment_anything")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("a SAM model needs: pip install segment-anything==1.0")
    folder = Path(package.submodule_search_locations[0]) / "modeling"
    name = f"{__name__}_modeling"
    spec = spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # its own relative imports look it up there
    spec.loader.exec_module(module)
    return module
