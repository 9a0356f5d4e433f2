"""The rules reasoner: findings and momentum pick techniques, techniques change a recipe, the writer renders the script."""
