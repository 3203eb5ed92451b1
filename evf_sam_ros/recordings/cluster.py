"""Recordings spread over a Ray cluster, whose machines must all see the same folders."""

from collections.abc import Callable, Sequence
from typing import Any

from evf_sam_ros.recordings.job import Job
from evf_sam_ros.recordings.many import TRIES, Model, Results, answer_one


def on_ray(address: str) -> Callable[[Sequence[Job], Model], Results]:
    """Return what spreads recordings over the cluster at an address.

    Raises:
        ValueError: the library is missing, or nobody answers at the address.
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise ValueError("--ray needs the library ray: pip install 'evf_sam_ros[ray]'") from None
    try:
        ray.init(address=address, log_to_driver=False, ignore_reinit_error=True)
    except (ConnectionError, RuntimeError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise ValueError(f"no Ray cluster at {address!r}: {first}") from None

    def spread(jobs: Sequence[Job], model: Model) -> Results:
        remote: Any = ray.remote(max_retries=TRIES - 1)(answer_one)
        waiting = {remote.remote(job, model): job for job in jobs}
        while waiting:
            [ended], _ = ray.wait(list(waiting))
            job = waiting.pop(ended)
            try:
                yield job, ray.get(ended)
            except ray.exceptions.WorkerCrashedError:
                yield job, f"its process died {TRIES} times"

    return spread
