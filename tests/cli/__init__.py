"""Tests of this part of the package, no simulator needed."""
