"""The C++ harness on small designs written by hand."""
