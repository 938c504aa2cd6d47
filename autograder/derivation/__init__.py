"""Derivations that a machine can check: chains of equalities and inequalities about p and q, by meaning and by step."""
