"""What hardware tests share: building, driving streams, packing words, golden functions."""
