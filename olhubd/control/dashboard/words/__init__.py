"""The catalogues of the dashboard: a module for each language, all with the same keys.

A value is a text with named places, or a tuple of plural forms: one and other in English; one, few and many in
Polish.
"""
