"""Verdicts as people read them: text, HTML in a notebook, pages."""
