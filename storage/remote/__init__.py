"""The remote side of the shared cache: the places it can be in, what is stored there, and whose entries are trusted."""
