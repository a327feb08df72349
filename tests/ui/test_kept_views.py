"""Predictions that a server keeps for others: as many as there is room for, the last used."""

from types import SimpleNamespace

from distmat.ui.predict import view


def made(views, key, residues):
    views.of(key).view = SimpleNamespace(request=SimpleNamespace(sequence="A" * residues))
    views.make_room()


def test_long_chains_make_room_for_each_other_and_the_last_one_stays_however_long():
    views = view._Views()
    for number in range(100):
        made(views, f"short-{number}", 100)
    assert all(views.of(f"short-{number}").view for number in range(100))
    for number in range(4):
        made(views, f"long-{number}", 900)
    assert [bool(views.of(f"long-{number}").view) for number in range(4)] == [True] * 4
    # Those that nobody has asked for longest have gone.
    assert not views.of("short-0").view and views.of("short-99").view
    made(views, "longest", 3000)
    assert views.of("longest").view and not views.of("long-3").view


def test_what_is_being_made_is_not_forgotten():
    views = view._Views()
    place = views.of("slow")
    made(views, "longest", 3000)
    made(views, "longer", 3001)
    assert views.of("slow") is place and not views.of("longest").view
