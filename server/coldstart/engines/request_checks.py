"""What every engine refuses, whoever checked before."""

from coldstart.domain.errors import InvalidInput
from coldstart.domain.next_token import NextTokenRequest


def check_request(request: NextTokenRequest, *, vocabulary_size: int, context_length: int) -> None:
    """Raises:
    InvalidInput: no token, more than the context holds, or an id outside the vocabulary.
    """
    count = len(request.token_ids)
    if not 1 <= count <= context_length:
        raise InvalidInput(f"the sequence has {count} tokens; this model takes 1 to {context_length}")
    for token_id in (min(request.token_ids), max(request.token_ids)):
        if not 0 <= token_id < vocabulary_size:
            raise InvalidInput(f"token id {token_id} is outside the vocabulary; allowed are 0 to {vocabulary_size - 1}")
