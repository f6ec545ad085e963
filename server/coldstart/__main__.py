"""`python -m coldstart`: serve what SERVICE_MODE names."""

import sys

from coldstart.runtime.timeline import StartupTimeline

if __name__ == "__main__":
    # The timeline comes first: what is imported from here on counts as imports, what came before as the process.
    timeline = StartupTimeline()
    timeline.mark("process")
    from coldstart.apps.command import main

    sys.exit(main(sys.argv[1:], timeline))
