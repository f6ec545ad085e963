"""What every transcriber promises, whichever library is behind it."""

import math

import numpy as np
import pytest
from tests.contract.transcriber_cases import (
    RATE_HZ,
    Samples,
    TranscriberCase,
    all_transcribed,
    noise,
    text_of,
    transcribed,
)

from coldstart.domain.errors import InvalidInput
from coldstart.domain.transcription import WINDOW_S, Transcriber, TranscriptionOptions, TranscriptionRequest


def test_it_says_what_it_is(transcriber: Transcriber, transcriber_case: TranscriberCase) -> None:
    """Languages are ISO 639 codes, each once, English among them; device and batch are what the domain allows."""
    assert len(set(transcriber.languages)) == len(transcriber.languages) == transcriber_case.languages
    assert "en" in transcriber.languages
    assert all(code.isalpha() and code.islower() and len(code) in (2, 3) for code in transcriber.languages)
    assert transcriber.device in ("cpu", "cuda")
    assert transcriber.max_batch >= 1


@pytest.mark.parametrize("seconds", [1.0, 5.0, WINDOW_S])
def test_segments_lie_in_the_sound_one_after_another(transcriber: Transcriber, seconds: float) -> None:
    """Whatever times the model believes in, each segment is inside the sound, and none begins before the one before."""
    segments = transcribed(transcriber, noise(seconds)).segments
    assert segments
    assert all(0 <= segment.start_s < segment.end_s <= seconds for segment in segments)
    assert [s.start_s for s in segments] == sorted(s.start_s for s in segments)


@pytest.mark.parametrize("samples", [1, 2, 159, 160, 161, 320, 321, 1600])
@pytest.mark.parametrize("words", [False, True])
def test_the_shortest_sounds_are_answered(transcriber: Transcriber, samples: int, words: bool) -> None:
    """A sound that is shorter than any word gives an answer like any other."""
    found = transcribed(transcriber, noise(samples / RATE_HZ), TranscriptionOptions(word_timestamps=words))
    assert all(0 <= segment.start_s < segment.end_s <= samples / RATE_HZ for segment in found.segments)


def test_a_segment_tells_what_the_decoder_says_of_it(transcriber: Transcriber) -> None:
    """Probabilities are probabilities, tokens are there, and at temperature 0 a good text stays at 0."""
    for segment in transcribed(transcriber, noise(2)).segments:
        assert segment.text.strip()
        assert segment.token_ids
        assert segment.temperature == 0
        assert -1 < segment.average_log_probability <= 0
        assert 0 <= segment.no_speech_probability <= 1
        assert segment.compression_ratio > 0
        assert segment.words == ()


def test_one_sound_has_one_answer(transcriber: Transcriber) -> None:
    """At temperature 0 nothing is drawn."""
    assert transcribed(transcriber, noise(2)) == transcribed(transcriber, noise(2))


def test_a_language_that_is_given_is_not_looked_for(transcriber: Transcriber) -> None:
    """The answer has it, with certainty."""
    wanted = transcriber.languages[-1]
    found = transcribed(transcriber, noise(1), TranscriptionOptions(language=wanted))
    assert (found.language, found.language_probability) == (wanted, 1.0)


def test_a_language_that_is_not_given_is_found(transcriber: Transcriber) -> None:
    """It is one that the model knows, with a probability; of one alone there is no doubt."""
    found = transcribed(transcriber, noise(1))
    assert found.language in transcriber.languages
    assert 0 < found.language_probability <= 1
    assert len(transcriber.languages) > 1 or found.language_probability == 1


def test_words_have_times_and_make_the_text(transcriber: Transcriber) -> None:
    """Each segment has its words, in order, inside the sound."""
    found = transcribed(transcriber, noise(3), TranscriptionOptions(word_timestamps=True))
    assert found.segments
    for segment in found.segments:
        assert "".join(word.text for word in segment.words) == segment.text
        assert all(0 <= word.start_s <= word.end_s <= 3 and 0 <= word.probability <= 1 for word in segment.words)
        assert [word.start_s for word in segment.words] == sorted(word.start_s for word in segment.words)


def test_a_prompt_is_heeded(transcriber: Transcriber) -> None:
    """What went before changes what the model writes; here it moves the positions that its script hangs on."""
    options = TranscriptionOptions(prompt="some words that went before")
    assert text_of(transcribed(transcriber, noise(2), options)) != text_of(transcribed(transcriber, noise(2)))


@pytest.mark.parametrize("prompt", ["<|startoftranscript|>", "<|endoftext|><|0.00|>", " ", "word " * 2000, "😀"])
def test_no_prompt_breaks_it(transcriber: Transcriber, prompt: str) -> None:
    """Special tokens, nothing, far too much: a prompt is text and no more."""
    transcribed(transcriber, noise(1), TranscriptionOptions(prompt=prompt))
    assert transcribed(transcriber, noise(2)).segments


def test_special_tokens_in_a_prompt_are_left_out(transcriber: Transcriber) -> None:
    """Nobody begins another transcript by writing its token."""
    plain, special = (TranscriptionOptions(prompt=text) for text in ("went before", "went<|en|> before<|endoftext|>"))
    assert transcribed(transcriber, noise(1), special) == transcribed(transcriber, noise(1), plain)


def test_a_temperature_is_taken_as_it_is(transcriber: Transcriber) -> None:
    """The segments say at which temperature they were made."""
    found = transcribed(transcriber, noise(1), TranscriptionOptions(temperature=0.4))
    assert {segment.temperature for segment in found.segments} == {0.4}


def test_translation_is_a_task(transcriber: Transcriber) -> None:
    """Every model takes it; of English there is nothing to translate."""
    assert transcribed(transcriber, noise(1), TranscriptionOptions(task="translate")).segments


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros(0, np.float32), "0 samples"),
        (np.zeros(round(WINDOW_S * RATE_HZ) + 1, np.float32), "480001 samples"),
        (np.zeros(100, np.float64), "float64"),
        (np.zeros((2, 100), np.float32), r"\(2, 100\)"),
        (np.array([0, math.nan], np.float32), "NaN"),
        (np.array([0, math.inf], np.float32), "infinity"),
    ],
)
def test_samples_of_another_form_are_refused(transcriber: Transcriber, samples: Samples, said: str) -> None:
    """The sentence says what was met, and the next request is answered."""
    with pytest.raises(InvalidInput, match=said):
        transcriber.advance([TranscriptionRequest(samples)])
    assert transcribed(transcriber, noise(1)).segments


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (TranscriptionOptions(language="xx"), "'xx'.*en"),
        (TranscriptionOptions(language="EN"), "'EN'"),
        (TranscriptionOptions(temperature=-0.1), "-0.1"),
        (TranscriptionOptions(temperature=1.1), "1.1"),
        (TranscriptionOptions(temperature=math.nan), "nan"),
        (TranscriptionOptions(prompt="a \ud83d"), "U\\+D83D, at character 2"),
        (TranscriptionOptions(task="sing"), "'sing'"),  # type: ignore[arg-type]
    ],
)
def test_options_that_there_are_not_are_refused(
    transcriber: Transcriber, options: TranscriptionOptions, said: str
) -> None:
    """The sentence names the value met and the values allowed."""
    with pytest.raises(InvalidInput, match=said):
        transcriber.advance([TranscriptionRequest(noise(1), options)])


def test_a_request_that_is_left_out_is_forgotten(transcriber: Transcriber) -> None:
    """One that was cancelled in the middle hinders no other, and its sound asked for again has the whole answer."""
    wanted = transcribed(transcriber, noise(2))
    cancelled = TranscriptionRequest(noise(2))
    assert transcriber.advance([cancelled]) == [None]
    assert transcribed(transcriber, noise(2)) == wanted
    assert transcribed(transcriber, cancelled.samples) == wanted


def test_batch_mates_do_not_change_an_answer(transcriber: Transcriber) -> None:
    """As many requests at once as it takes, all unlike: each has the text, times and language that it has alone."""
    kinds = [
        TranscriptionOptions(),
        TranscriptionOptions(word_timestamps=True),
        TranscriptionOptions(prompt="went before"),
        TranscriptionOptions(language=transcriber.languages[-1], task="translate"),
    ]
    requests = [
        TranscriptionRequest(noise(1 + index, seed=index), kinds[index % len(kinds)])
        for index in range(min(transcriber.max_batch, 8))
    ]
    for request, together in zip(requests, all_transcribed(transcriber, requests), strict=True):
        alone = transcribed(transcriber, request.samples, request.options)
        assert text_of(together) == text_of(alone)
        assert [(s.start_s, s.end_s) for s in together.segments] == [(s.start_s, s.end_s) for s in alone.segments]
        assert [len(s.words) for s in together.segments] == [len(s.words) for s in alone.segments]
        assert together.language == alone.language


def test_one_that_joins_later_hinders_nobody(transcriber: Transcriber) -> None:
    """A request that comes while another is under way is begun, and both have their whole answers."""
    wanted = transcribed(transcriber, noise(2))
    first, second = TranscriptionRequest(noise(2)), TranscriptionRequest(noise(2))
    assert transcriber.advance([first]) == [None]
    later = all_transcribed(transcriber, [first, second])
    assert [text_of(found) for found in later] == [text_of(wanted)] * 2


def test_a_text_is_scored(transcriber: Transcriber) -> None:
    """Each token of it has a log-probability, the same each time, and another after another sound."""
    score = transcriber.score(noise(2), " the cat")
    assert len(score.token_ids) == len(score.log_probabilities) >= 2
    assert all(value < 0 and math.isfinite(value) for value in score.log_probabilities)
    assert transcriber.score(noise(2), " the cat") == score
    other = transcriber.score(noise(2, seed=1), " the cat")
    assert other.token_ids == score.token_ids
    assert other.log_probabilities != score.log_probabilities
