"""Requests under way: one at a time, in closed loops, and in open loops that do not wait for answers."""
