"""A diagnosis plugin: are rows with many missing values the ones that cost most?"""
