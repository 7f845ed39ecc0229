"""The demo behind ``python -m facula demo``: a program as a person would write it with the library."""
