"""A few predictions at a time, in the order in which people came."""

import threading

import pytest

from distmat.ui.predict import turns
from distmat.ui.predict.turns import Turns


def test_people_go_in_as_they_came_and_see_their_place(monkeypatch):
    monkeypatch.setattr(turns, "_LOOK", 0.01)
    there, inside, most, order, places = Turns(), [], [], [], {}
    gates = [threading.Event() for _ in range(5)]
    arrived = [threading.Event() for _ in range(5)]

    def come(number):
        def tell(before):
            places.setdefault(number, before)
            arrived[number].set()

        with there.turn(2, tell):
            arrived[number].set()
            inside.append(number)
            order.append(number)
            most.append(len(inside))
            gates[number].wait(10)
            inside.remove(number)

    people = [threading.Thread(target=come, args=(number,)) for number in range(5)]
    for person, came in zip(people, arrived, strict=True):
        person.start()
        assert came.wait(10)
    assert places == {2: 1, 3: 2, 4: 3}
    for gate, person in zip(gates, people, strict=True):
        gate.set()
        person.join(10)
    assert order == [0, 1, 2, 3, 4] and max(most) == 2


def test_who_leaves_while_waiting_makes_room():
    there = Turns()

    class Left(Exception):  # noqa: N818
        pass

    def leave(before):
        raise Left

    with there.turn(1, leave):
        with pytest.raises(Left), there.turn(1, leave):
            raise AssertionError
        seen = []
        with pytest.raises(Left), there.turn(1, lambda before: (seen.append(before), leave(0))):
            raise AssertionError
    assert seen == [1]
    with there.turn(1, leave):
        pass
