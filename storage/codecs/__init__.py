"""Codecs: values to bytes and back. `base` says what one is, `registry` which one a value gets."""
