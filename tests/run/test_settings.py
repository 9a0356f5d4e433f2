"""What a run can be asked to do."""

from gome_graph.run import RunChoices, RunSettings


def test_a_servers_form_says_what_each_choice_means() -> None:
    properties = RunChoices.model_json_schema()["properties"]

    assert properties["traces"]["description"] == "Parallel traces."
    assert all(properties[name].get("description") for name in RunChoices.model_fields)
    assert RunSettings.model_json_schema()["properties"]["seed"]["description"] == properties["seed"]["description"]
