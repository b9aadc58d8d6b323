"""Supabase: what its addresses say, and its Management API."""
