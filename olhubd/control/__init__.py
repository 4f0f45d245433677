"""How people and programs see the daemon and steer it: the HTTP endpoint, and the client that speaks to it.

`records` and `client` are all that the command line needs; they import neither the engine nor a web framework.
"""
