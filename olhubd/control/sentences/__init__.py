"""What histories and the journal say, in every language: one module of sentences each, with the same keys.

A sentence names its parameters and nothing else; which there are and what they hold is `olhubd.control.story`'s.
The words of pages are the dashboard's own.
"""

from olhubd.control.sentences.voice import ENGLISH, Count, Part, Voice

__all__ = ["ENGLISH", "Count", "Part", "Voice"]
