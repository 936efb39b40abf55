"""What a design costs and how fast it is, for people and for scripts."""
