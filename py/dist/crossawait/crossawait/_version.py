"""The version of this package, which every runtime package has to share."""

__version__ = "0.1.0"
