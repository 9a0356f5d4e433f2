import pytest

from gome_graph.reasoners.llm.asking import SECTIONS
from gome_graph.reasoners.llm.budget import CUTS, PromptTooLong, fit, shortened, tokens

LONG = "\n".join(f"line {n} of many" for n in range(400))


def joined(sections: dict[str, str]) -> str:
    return "\n".join(sections.values())


def test_what_is_cut_is_declared_for_sections_that_exist() -> None:
    assert {cut.section for cut in CUTS} <= set(SECTIONS)
    order = [cut.section for cut in CUTS]
    assert order.index("columns") < order.index("facts") < order.index("findings")


def test_nothing_is_cut_that_fits() -> None:
    sections = {"facts": LONG, "script": LONG}
    assert fit(joined, sections, 10_000) == sections


def test_the_first_in_the_order_is_cut_first_and_the_script_never() -> None:
    kept = fit(joined, {"facts": LONG, "columns": LONG, "script": LONG}, tokens(LONG) * 2 + 500)
    assert kept["script"] == LONG
    assert kept["facts"] == LONG
    assert tokens(kept["columns"]) <= 410


def test_logs_keep_their_end_and_facts_their_beginning() -> None:
    log, facts = shortened(LONG, 100, from_the_end=True), shortened(LONG, 100)
    assert log.endswith("line 399 of many")
    assert log.startswith("… ")
    assert facts.startswith("line 0 of many")
    assert facts.endswith(" lines left out")


def test_a_script_that_does_not_fit_is_an_error_and_not_half_a_script() -> None:
    with pytest.raises(PromptTooLong, match="its budget is 100"):
        fit(joined, {"facts": LONG, "script": LONG}, 100)
