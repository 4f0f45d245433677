"""The resources of the endpoint, each with its requests and answers."""
