"""Requests and replies as text: JSON both ways, what an error says, and its traceback.

**Invariant:** what goes out is JSON that every parser reads, in ASCII and on one line.
**Invariant:** the package `json` is not imported here. It brings `re` and `enum`, a third of a spare's start and a
tenth of its memory; its C functions are enough, and where they are missing it takes their place.
"""

from aim_worker_nodes import import_standard
from aim_worker_own import __builtins__, os  # noqa: F401

OWN_FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "aim_worker")

try:
    from _json import encode_basestring_ascii as quote
    from _json import make_encoder, make_scanner
except ImportError:  # Not CPython.
    make_encoder = make_scanner = None


class Reading:
    """What the C scanner asks about JSON's mapping: the answers of `json.loads`."""

    strict, object_hook, object_pairs_hook = True, None, None
    parse_float, parse_int = float, int
    parse_constant = {"-Infinity": float("-inf"), "Infinity": float("inf"), "NaN": float("nan")}.__getitem__


scan = make_scanner(Reading) if make_scanner else None


def from_json(text):
    """The value of a JSON text; `ValueError` says what is wrong with it."""
    if scan is not None:
        try:
            value, end = scan(text, 0)
            if text[end:] in ("", "\n"):
                return value
        except StopIteration:
            pass
    return import_standard("json").loads(text)  # Unusual spaces, or an error to be told.


def refuse(value):
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


# C encoders by what they allow and put between members, and the containers that they are in the middle of, by which
# they notice a cycle.
encoders = {}
entered = {}


def encode(value, allow_nan, item_separator, key_separator):
    if make_encoder is None:
        separators = (item_separator, key_separator)
        return import_standard("json").dumps(value, allow_nan=allow_nan, separators=separators)
    if isinstance(value, str):
        return quote(value)
    kind = allow_nan, item_separator, key_separator
    encoder = encoders.get(kind)
    if encoder is None:
        encoder = make_encoder(entered, refuse, quote, None, key_separator, item_separator, False, False, allow_nan)
        encoders[kind] = encoder
    try:
        return "".join(encoder(value, 0))
    except BaseException:
        entered.clear()
        raise


def to_json(value, item_separator=",", key_separator=":"):
    """JSON in ASCII: Python's mapping, but NaN and the infinities are `null` (as browsers write them) and a lone
    surrogate is U+FFFD. An object that JSON has no form for is a `TypeError`."""
    try:
        text = encode(value, False, item_separator, key_separator)
    except ValueError:  # NaN, infinity, or a cycle; the last is raised again here.
        text = without_infinities(encode(value, True, item_separator, key_separator))
    return without_lone_surrogates(text) if "\\ud" in text else text


def without_infinities(text):
    """JSON text with `null` for NaN and the infinities outside of strings."""
    parts = text.split('"')
    is_inside = False
    for place, part in enumerate(parts):
        if not is_inside:
            parts[place] = part.replace("-Infinity", "null").replace("Infinity", "null").replace("NaN", "null")
        # A quote behind an odd number of backslashes is part of its string.
        is_inside = not is_inside or (len(part) - len(part.rstrip("\\"))) % 2 == 1
    return '"'.join(parts)


def without_lone_surrogates(text):
    """JSON text with U+FFFD for each escape of half a character whose other half is not beside it."""
    parts, done, at = [], 0, text.find("\\")
    while at >= 0:
        if text[at + 1 : at + 3] != "ud" or text[at + 3] < "8":
            end = at + 2
        elif text[at + 3] < "c" and text[at + 6 : at + 9] == "\\ud" and text[at + 9] >= "c":
            end = at + 12
        else:
            parts += text[done:at], "\\ufffd"
            done = end = at + 6
        at = text.find("\\", end)
    return "".join(parts) + text[done:]


def to_utf8(text):
    """A string's UTF-8; two surrogates that make a character are that character, a lone one is U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def success(request, **fields):
    return to_json(dict({"id": request.get("id"), "ok": True}, **fields)) + "\n"


def failure(request_id, error, traceback=None, needs_person=False):
    reply = {"id": request_id, "ok": False, "error": error}
    if traceback is not None:
        reply["traceback"] = traceback
    if needs_person:
        reply["needs_person"] = True
    return to_json(reply) + "\n"


def describe(error):
    """What went wrong, never empty: the exception's text, with its type where the text alone would not say."""
    name = type(error).__name__
    try:
        text = str(error)
    except BaseException:
        return name
    if not text:
        return name
    return text if isinstance(error, Exception) else "%s: %s" % (name, text)


def format_traceback(error, path=None):
    """The traceback from the node's first frame on; the worker's own frames are of no use to anybody."""
    try:
        whole = import_standard("traceback").TracebackException(type(error), error, error.__traceback__)
        strip_frames(whole, path, set())
        return "".join(whole.format())
    except BaseException:
        return "%s: %s\n" % (type(error).__name__, describe(error))


def strip_frames(part, path, seen):
    if part is None or id(part) in seen:
        return
    seen.add(id(part))
    files = [frame.filename for frame in part.stack]
    first = files.index(path) if path in files else 0
    part.stack[:] = [frame for frame in part.stack[first:] if not frame.filename.startswith(OWN_FILES)]
    for other in [part.__cause__, part.__context__] + list(getattr(part, "exceptions", None) or ()):
        strip_frames(other, path, seen)
