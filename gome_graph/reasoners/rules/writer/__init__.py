"""From a recipe to the text of ``solution.py``: plain pandas, scikit-learn, LightGBM and CatBoost, readable and runnable by hand."""

from gome_graph.reasoners.rules.writer.drafts import draft_recipes, hurried
from gome_graph.reasoners.rules.writer.keys import member_key
from gome_graph.reasoners.rules.writer.script import write_script

__all__ = ["draft_recipes", "hurried", "member_key", "write_script"]
