"""One file a verb; `cli.main` loads each only when it is called."""
