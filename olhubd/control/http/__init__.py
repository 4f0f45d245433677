"""The endpoint as a server: sockets, who may connect and ask, bodies, routes and failures."""
