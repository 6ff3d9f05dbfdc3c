"""What services promise and expect: stated by their code, compared with what was released.

`statements` reads a service's code, `sides` is one service's part of contracts/ at one time; `beside` compares two
services, `evolution` two versions of one, by `shapes` (JSON Schema) and `openapi`; `command` is `make can-deploy` and
`make release`.
"""
