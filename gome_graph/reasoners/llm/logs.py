"""Logs as a model should see them: the script's own frames, without the library's."""

FRAME = '  File "'
LIBRARIES = ("/site-packages/", "/lib/python", ".pyx", "<frozen ")
LEFT_OUT = "  … in libraries"


def own_frames(log: str) -> str:
    """The log with runs of library frames in tracebacks cut to one line each; everything else stays."""
    kept: list[str] = []
    inside = False
    for line in log.splitlines():
        if line.startswith(FRAME):
            inside = any(mark in line.split(",")[0] for mark in LIBRARIES)
            if inside and kept[-1:] != [LEFT_OUT]:
                kept.append(LEFT_OUT)
        elif not line.startswith("    "):
            inside = False
        if not inside:
            kept.append(line)
    return "\n".join(kept)
