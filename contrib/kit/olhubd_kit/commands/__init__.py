"""The kit's commands. They print by the helpers of olhubd's command line; nothing else of the kit knows those."""
