"""Generated layer modules against the golden model: every beat, every cycle."""
