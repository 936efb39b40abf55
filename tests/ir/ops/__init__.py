"""Tests of the meaning of every operation."""
