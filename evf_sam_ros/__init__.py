"""EVF-SAM for robots: say what you mean, get its mask and its place in space."""

from pkgutil import extend_path

# The generated msg and srv packages may lie in an installed copy of this package,
# elsewhere on sys.path than the source tree.
__path__ = extend_path(__path__, __name__)

__version__ = "0.1.0"
