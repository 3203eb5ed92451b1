"""Keep freed image memory for the next image.

The C library gives large pieces back to the system when they are freed, and gets them again, empty
and page by page: for an image of 1280x720 that takes more time than all that is done with it.
"""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
LARGEST_PIECE = 32 * 2**20  # bytes; glibc takes no more, larger pieces still go back
MOST_KEPT = 256 * 2**20  # bytes, free at the end of what the process has


def keep_freed() -> bool:
    """Make this process keep freed memory; return False if the C library is not glibc."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST_PIECE) and mallopt(M_TRIM_THRESHOLD, MOST_KEPT))


def return_freed() -> bool:
    """Give what this process has freed and kept back to the system; False if not glibc's."""
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except AttributeError:
        return False
