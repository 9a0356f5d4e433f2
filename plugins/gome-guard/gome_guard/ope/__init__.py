"""Off-policy evaluation: what would a policy earn, from the log of another one?"""
