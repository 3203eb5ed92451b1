"""Data sets as their authors published them: files in, pictures with sentences and masks out."""
