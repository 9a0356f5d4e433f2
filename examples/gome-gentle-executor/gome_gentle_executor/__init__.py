"""An executor plugin: run scripts only while the machine has room."""
