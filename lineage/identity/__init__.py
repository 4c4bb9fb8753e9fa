"""Identity: when do two functions, or two values, count as the same?

`encode` is the one framing beneath everything. `values` gives data versions
(format `av/1`), `code` gives code versions (format `fp/1`), `define` puts code,
build spec, config and environment together into a definition.

| value                                         | code version | definition | provenance | why |
|-----------------------------------------------|--------------|------------|------------|-----|
| canonical syntax of every reached symbol      | yes          | yes        | yes        | it computes the output |
| captured constants, defaults, closures        | yes          | yes        | yes        | same code, other value, other output |
| config (JSON-able defaults, `--set`)          | no           | yes        | yes        | its own reason, settable without editing code |
| codec, outs, conversions, declared columns    | no           | yes        | yes        | they shape what is stored or read |
| versions of reached distributions             | no           | yes        | yes        | other people's code, by its version |
| environment variables read by constant name   | no           | yes        | yes        | as keyed hashes, values are never kept |
| data versions of upstreams                    | no           | no         | yes        | what it was made from |
| comments, formatting, docstrings, annotations | no           | no         | no         | they cannot change the output |
| group, tags, owners, description, file, line  | no           | no         | no         | they describe, they do not compute |
| absolute paths, mtimes, host, user, time      | no           | no         | no         | never: two machines must agree |
"""
