"""What a person is shown of an output that JSON has no form for: its own text, or a figure that is saved as a file.

**Invariant:** what is shown is bounded, whatever the output's class says; an error in it is said and ends nothing.
"""

from aim_worker_own import Module, __builtins__, os  # noqa: F401
from aim_worker_text import describe

LIMIT = 16 << 20
WIDTH = 2  # What a cell of a table takes at least.


def shown(value, wanted):
    """Members of the reply: `figure`, the file; else `text`, with `is_cut` when it was too long."""
    try:
        figure = figure_of(value)
        if figure is not None:
            return {"figure": save(figure, wanted["figure"])}
        why = ""
    except Exception as error:
        why = "\n(it cannot be saved as a figure: %s)" % describe(error)
    try:
        text, is_cut = table(value, wanted.get("lines"))
    except Exception as error:
        text, is_cut = "<%s object; its text cannot be made: %s>" % (type(value).__name__, describe(error)), False
    is_cut = is_cut or len(text) > LIMIT
    text = text[:LIMIT] + why
    return {"text": text, "is_cut": True} if is_cut else {"text": text}


def figure_of(value):
    """What of it can be saved as a figure: itself, or (of what is drawn in one) the figure that it is in."""
    for figure in (value, getattr(value, "figure", None)):
        if not isinstance(figure, (type, Module)) and callable(getattr(figure, "savefig", None)):
            return figure
    return None


def save(figure, path):
    os.makedirs(os.path.dirname(path), 0o700, True)
    if os.path.exists(path):
        os.unlink(path)
    figure.savefig(path)
    if not os.path.isfile(path):
        raise OSError("no file was written")
    return path


def table(value, lines):
    """A table's own text, of as many rows as are wanted and fit; else the `repr`; and whether rows do not fit."""
    render = getattr(value, "to_string", None)
    if isinstance(value, type) or not callable(render):
        return repr(value), False
    rows, most = 0, LIMIT
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape and callable(getattr(value, "head", None)):
        rows, most = shape[0], LIMIT // (WIDTH * max(1, shape[1] if len(shape) > 1 else 1))
    # One row more than is wanted says that there are more.
    fewer = most if lines is None else min(most, lines + 1)
    if rows > fewer:
        render = value.head(fewer).to_string
    return render() + "", rows > most and fewer == most
