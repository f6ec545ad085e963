"""Whose turn it is: bounds, and the order in which work is begun and gone on with."""

from coldstart.runtime.turns import Place, Turns


def begun(turns: Turns[str], name: str) -> Place:
    """Work whose first step has had its turn."""
    place = turns.enter()
    turns.add(name, place)
    assert turns.take(is_idle=True) == name
    return place


def taken(turns: Turns[str]) -> list[str]:
    """Everything that has a turn now, beside something in the batch."""
    jobs = []
    while (job := turns.take(is_idle=False)) is not None:
        jobs.append(job)
    return jobs


def test_single_steps_take_turns_in_order() -> None:
    """First come, first served."""
    turns: Turns[str] = Turns(8, 2)
    for name in "abc":
        turns.add(name, None)
    assert len(turns) == 3
    assert taken(turns) == ["a", "b", "c"]
    assert turns.take(is_idle=True) is None


def test_work_begins_while_less_than_two_batches_are_under_way() -> None:
    """Up to then newcomers are first, so that the batch is filled; beyond, what has begun comes to its end first."""
    turns: Turns[str] = Turns(8, 2)
    under_way = [begun(turns, name) for name in "abc"]
    turns.add("a2", under_way[0])
    for name in "de":
        turns.add(name, turns.enter())
    assert taken(turns) == ["d", "a2"]
    assert len(turns) == 1
    turns.leave(under_way[0])
    assert taken(turns) == ["e"]


def test_an_idle_engine_begins_whatever_waits() -> None:
    """Work under way whose clients read slowly must not leave the engine with nothing to do."""
    turns: Turns[str] = Turns(8, 1)
    for name in "ab":
        begun(turns, name)
    turns.add("c", turns.enter())
    assert turns.take(is_idle=False) is None
    assert turns.take(is_idle=True) == "c"


def test_single_steps_go_round_with_what_has_begun() -> None:
    """Somebody who wants one token does not wait for the ends of long texts."""
    turns: Turns[str] = Turns(8, 1)
    places = [begun(turns, name) for name in "ab"]
    turns.add("new", turns.enter())
    turns.add("a2", places[0])
    turns.add("single", None)
    turns.add("b2", places[1])
    assert taken(turns) == ["a2", "single", "b2"]


def test_room_is_bounded_by_what_waits_and_by_work() -> None:
    """Two may wait, and a batch of one beside them; a place that is left is free again."""
    turns: Turns[str] = Turns(2, 1)
    places = []
    while turns.has_room:
        places.append(turns.enter())
    assert len(places) == 3
    turns.leave(places[0])
    assert turns.has_room
    turns.add("a", None)
    turns.add("b", None)
    assert not turns.has_room


def test_who_leaves_waits_no_more() -> None:
    """Whether its work has begun or not."""
    turns: Turns[str] = Turns(8, 2)
    turns.add("a", None)
    turns.add("b", turns.enter())
    turns.remove("a")
    turns.remove("b")
    assert len(turns) == 0
    assert taken(turns) == []


def test_clearing_gives_all_that_waited() -> None:
    """So that each can be told."""
    turns: Turns[str] = Turns(8, 2)
    turns.add("a", None)
    turns.add("b", turns.enter())
    assert sorted(turns.clear()) == ["a", "b"]
    assert len(turns) == 0
