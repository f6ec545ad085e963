"""When a service that turns somebody away wants them back. Source: RFC 9110, section 10.2.3."""

import math
import re
import time
from email.utils import parsedate_to_datetime


def seconds_to_wait(retry_after: str | None) -> float | None:
    """What a Retry-After header asks for: seconds, or the whole seconds up to a date, 0 where that is over.

    None: it is absent or says neither.
    """
    if retry_after is None:
        return None
    if re.fullmatch(r"[0-9]+", retry_after.strip()):
        return float(retry_after)
    try:
        return max(0.0, math.ceil(parsedate_to_datetime(retry_after).timestamp() - time.time()))
    except ValueError:
        return None
