"""How Python's garbage collector is set in every process of ours."""

import gc

THRESHOLDS = (100_000, 50, 100)


def settle() -> None:
    """Lets the collector pass over what is loaded by now, and look less often at what is made.

    Batches make some hundred thousand objects that hold no cycles and are gone after the commit. At the usual threshold the
    collector looks at them all the time and finds nothing: it took a quarter of a posting (decision 021).
    """
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
