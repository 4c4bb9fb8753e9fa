"""The shared cache's remote side: where it lies, what lies there, and who is believed."""
