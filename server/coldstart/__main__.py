"""`python -m coldstart`: serve what SERVICE_MODE names."""

import gc
import logging
import os
import sys

from coldstart.runtime.timeline import StartupTimeline

if __name__ == "__main__":
    # The timeline comes first: what is imported from here on counts as imports, what came before as the process.
    # The API of an interview's container is part of the start of process 1 (apps/interview_container).
    container_start = os.environ.get("CONTAINER_START_S")
    timeline = StartupTimeline(process_start=float(container_start) if container_start else None)
    timeline.mark("process")
    # Imports make objects that stay: looking for garbage among them costs a seventh of the start.
    gc.disable()
    from coldstart.apps.command import main

    status = main(sys.argv[1:], timeline)
    logging.shutdown()
    sys.stdout.flush()
    # Not sys.exit: a thread may still be inside an inference library, loading; to tear the interpreter down under it
    # waits for it at best and crashes at worst.
    os._exit(status)
