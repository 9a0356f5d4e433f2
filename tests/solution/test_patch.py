import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gome_graph.errors import PatchError
from gome_graph.records import Edit, Patch
from gome_graph.solution import apply_patch, make_patch, share_changed

SCRIPTS = st.lists(st.sampled_from(["a = 1\n", "b = 2\n", "\n", "for x in y:\n", "    pass\n"]), max_size=25).map("".join)


@given(SCRIPTS, SCRIPTS)
@example("a = 1\na = 1\nb = 2\na = 1\nb = 2\na = 1\na = 1\n", "a = 1\na = 1\na = 1\nb = 2\na = 1\na = 1\n")
def test_a_made_patch_turns_old_into_new(old: str, new: str) -> None:
    assert apply_patch(old, make_patch(old, new)) == new


@given(SCRIPTS, SCRIPTS)
def test_every_anchor_of_a_made_patch_is_unique_when_its_turn_comes(old: str, new: str) -> None:
    script = old
    for edit in make_patch(old, new).edits:
        assert script.count(edit.search) == 1
        script = script.replace(edit.search, edit.replace)


@pytest.mark.parametrize(("search", "says"), [("c", "not in the script"), ("a", "occurs 2 times"), ("", "is empty")])
def test_an_anchor_that_does_not_fit_once_is_an_error_that_shows_it(search: str, says: str) -> None:
    with pytest.raises(PatchError, match=says):
        apply_patch("a\na\nb\n", Patch(edits=[Edit(search=search, replace="x")]))


def test_places_that_overlap_are_as_ambiguous_as_others() -> None:
    with pytest.raises(PatchError, match=r"occurs 2 times \(lines 1, 2\)"):
        apply_patch("a\na\na\n", Patch(edits=[Edit(search="a\na\n", replace="x")]))


def test_share_changed_counts_touched_lines() -> None:
    assert share_changed("a\nb\nc\nd\n", "a\nX\nc\nd\n") == 0.25
    assert share_changed("a\n", "a\n") == 0.0
