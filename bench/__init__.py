"""Measures the gate: what it adds to a reload, how it scales, what it takes (`make bench`)."""
