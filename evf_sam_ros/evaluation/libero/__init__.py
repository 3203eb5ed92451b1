"""LIBERO and LIBERO-PRO as a benchmark: from instruction to mask and place of its object."""
