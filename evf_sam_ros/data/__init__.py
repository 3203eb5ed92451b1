"""Readers of published data sets: files become pictures with sentences and masks."""
