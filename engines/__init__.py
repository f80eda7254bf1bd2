"""Plug-ins by which an engine itself writes the mark while it samples (README.md beside this file)."""
