"""What runs on the script's side of the wall: standard library only, started as ``python -I -S launcher.py``."""
