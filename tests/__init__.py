"""Tests of the compiler: everything that needs no simulator."""
