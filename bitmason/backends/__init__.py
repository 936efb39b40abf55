"""Backends: a lowered graph into a design, a design into the text of files.

Invariant: nothing here writes to disk except `project.write_project`.
"""
