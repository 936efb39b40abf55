"""The version of the package, which generated files carry."""

__version__ = "0.1.0"
