"""Custom floating point: numbers to test engines with, and the proof on all float32 patterns."""
