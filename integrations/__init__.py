"""Other people's tools, one file each, imported only when they are used."""
