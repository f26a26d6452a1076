"""Stores over the years: merged, cleared of what nobody asks for, looked at, saved from damage."""
