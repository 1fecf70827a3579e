"""Objects that stay in the worker: what a node returned and JSON cannot carry, or only at length, known by reference.

The daemon sees a reference with a preview; the next node gets the object itself. How references and previews look, and
how a node's input is put together from its edges, are AIM-Forge's rules (compat, section 10).

**Invariant:** nothing here takes long because an object is large: sizes and previews look at a few of its members.
**Invariant:** an input never aliases another node's output, but for the objects that were asked for by reference.
"""

from itertools import islice

from aim_worker_nodes import import_standard
from aim_worker_own import __builtins__, gc, own_sys  # noqa: F401
from aim_worker_text import describe, to_json

LIMIT = 512 << 20
INLINE_LIMIT = 10000
LONGEST_TEXT = 1 << 20
DISPLAY_LIMIT = 30000
COLLECT_FROM = 16 << 20
REMEMBERED = 10000


class Kept:
    """One object with what the daemon is told about it; `weight` is what it counts against the memory bound."""

    __slots__ = ("value", "preview", "data_type", "size", "weight")

    def __init__(self, value):
        self.value = value
        self.preview = preview(value)
        self.data_type = type(value).__name__
        self.size = shallow_size(value)
        self.weight = weigh(value)

    def facts(self, ref):
        return {"ref": ref, "preview": self.preview, "data_type": self.data_type, "size": self.size}


class Objects:
    """The kept objects, oldest first, together no heavier than `limit`, unless the newest alone is."""

    def __init__(self):
        self.limit = LIMIT
        self.kept = {}
        self.dropped = {}
        self.dropped_count = 0

    def keep(self, ref, value):
        """Keep an object. Returns the references of older ones that had to go for it."""
        self.kept.pop(ref, None)
        self.dropped.pop(ref, None)
        self.kept[ref] = Kept(value)
        went = []
        while len(self.kept) > 1 and self.weight() > self.limit:
            oldest = next(iter(self.kept))
            del self.kept[oldest]
            went.append(oldest)
        for oldest in went:
            if len(self.dropped) >= REMEMBERED:
                del self.dropped[next(iter(self.dropped))]
            self.dropped[oldest] = None
        self.dropped_count += len(went)
        return went

    def weight(self):
        """Bytes of all kept objects, by estimate. What is kept under two references counts once."""
        return sum({id(kept.value): kept.weight for kept in self.kept.values()}.values())

    def totals(self):
        """What the daemon is told of the store whenever it has changed."""
        return {"count": len(self.kept), "bytes": self.weight(), "dropped": self.dropped_count}

    def find(self, ref):
        kept = self.kept.get(ref)
        if kept is not None:
            return kept
        if ref in self.dropped:
            bound = "a worker keeps %d MiB of objects at most, the newest: worker.object_limit_mib" % (self.limit >> 20)
            raise LookupError("Object %s is no longer kept (%s)" % (ref, bound))
        raise LookupError("Object %s is not kept" % ref)

    def reference(self, ref):
        return dict({"type": "reference"}, **self.find(ref).facts(ref))

    def listing(self):
        return [kept.facts(ref) for ref, kept in self.kept.items()]

    def release(self, refs):
        """Let objects go: these, or with None all. What has no such object is left out of account."""
        before = self.weight()
        for ref in list(self.kept) if refs is None else refs:
            self.kept.pop(ref, None)
            self.dropped.pop(ref, None)
        if refs is None:
            self.dropped.clear()
        if before - self.weight() >= COLLECT_FROM:
            gc.collect()  # A node's functions and their namespace refer to each other, and may hold what was large.

    def value_of(self, edge):
        """What comes along an edge: a value or a kept object, of which `handle` names a member if it has such."""
        value = self.find(edge["ref"]).value if "ref" in edge else edge.get("value")
        handle = edge.get("handle")
        if handle is None or not isinstance(value, dict):
            return value
        if handle in value:
            return value[handle]
        for key, member in value.items():  # A key that JSON would have made a string of.
            if isinstance(key, (int, float, type(None))) and to_json({key: 0}) == "{%s:0}" % to_json(handle):
                return member
        return value

    def assemble(self, edges):
        """A node's input from its edges: each puts its value under its key, or is the input when it has no key."""
        whole = None
        for edge in edges:
            key = edge.get("into")
            if key is None:
                whole = self.value_of(edge)
            else:
                whole = dict(whole) if isinstance(whole, dict) else {}
                whole[key] = self.value_of(edge)
        return whole


# ---- what can go as it is -----------------------------------------------------------------------------------------


def survey(value):
    """What of an output can go on as JSON: its text, or None when it is long or there is none; and whether it is the
    same after that. NaN, half characters, tuples, keys that are no strings, subclasses and their like are not.
    """
    is_same = True
    length, waiting = 0, [value]
    while waiting and length < INLINE_LIMIT:
        part = waiting.pop()
        kind = type(part)
        if kind is str:
            length += len(part) + 2
            is_same = is_same and has_utf8(part)
        elif kind is int or part is None or kind is bool:
            length += 1
        elif kind is float:
            length += 1
            is_same = is_same and part - part == 0
        elif kind is dict or isinstance(part, dict):
            length += 6 * len(part)
            is_same = is_same and kind is dict and all([type(key) is str and has_utf8(key) for key in part])
            if length < INLINE_LIMIT:
                waiting.extend(part.values())
        elif kind is list or isinstance(part, (list, tuple)):
            length += 2 * max(1, len(part))
            is_same = is_same and kind is list
            if length < INLINE_LIMIT:
                waiting.extend(part)
        else:
            length += len(part) + 2 if isinstance(part, str) else 1
            is_same = False
    if isinstance(value, str):
        return to_json(value) if length < LONGEST_TEXT else None, is_same
    if length >= INLINE_LIMIT:
        return None, is_same
    try:
        text = to_json(value, ", ", ": ")  # Spaced as AIM-Forge measures it.
    except (TypeError, ValueError, RecursionError):
        return None, False
    return text if len(text) < INLINE_LIMIT else None, is_same


def has_utf8(part):
    """False for a string with half a character, which no UTF-8 has a form for."""
    if part.isascii():
        return True
    try:
        part.encode()
    except UnicodeEncodeError:
        return False
    return True


# ---- sizes --------------------------------------------------------------------------------------------------------


def shallow_size(value):
    try:
        return own_sys.getsizeof(value)
    except Exception:
        return 0


def weigh(value, depth=2):
    """Bytes that an object holds, by estimate: its own, and for containers and instances a sample's times their number.

    Arrays and tables tell their own bytes, also where they are views.
    """
    size = shallow_size(value)
    try:
        if isinstance(value, (list, tuple, set, frozenset, dict)):
            members = value.values() if isinstance(value, dict) else value
        else:
            size = max(size, int(getattr(value, "nbytes", 0)))
            members = () if isinstance(value, type) else getattr(value, "__dict__", {}).values()
        if depth and members:
            sample = list(islice(members, 20))
            size += sum(weigh(member, depth - 1) for member in sample) * len(members) // len(sample)
    except Exception:  # Of a class that lies about itself.
        pass
    return size


# ---- text for people ----------------------------------------------------------------------------------------------


def preview(value):
    """One line about an object, in AIM-Forge's words."""
    name = type(value).__name__
    try:
        if hasattr(value, "shape") and hasattr(value, "columns"):
            return "DataFrame: %s rows \u00d7 %s cols" % (value.shape[0], value.shape[1])
        if hasattr(value, "shape") and hasattr(value, "ndim"):
            return "Array: shape=%s, dtype=%s" % (value.shape, value.dtype)
        if isinstance(value, (list, tuple)):
            first = " (first: %s)" % beginning(value[0], 50)[:50] if value else ""
            return "%s with %d items%s" % (name, len(value), first)
        if isinstance(value, dict):
            keys = ", ".join(beginning(key, 100)[:100] for key in islice(value, 3))
            return "Dict with %d keys%s" % (len(value), " (%s%s)" % (keys, "..." * (len(value) > 3)) if keys else "")
        if isinstance(value, set):
            return "Set with %d items" % len(value)
        if hasattr(value, "__len__"):
            return "%s (%d items)" % (name, len(value))
        return "%s: %s" % (name, cut(str(value), 100))
    except Exception as error:
        return "%s object (preview error: %s)" % (name, describe(error)[:50])


def display(value):
    """An object's text for a result node: JSON with indents if it is an object or a list, else its `str`; cut."""
    if isinstance(value, (dict, list)):
        text = ""
        try:
            json = import_standard("json")
            parts = []
            for part in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value):
                parts.append(part)
                # Joined now and then: a part is one value, so that this many of them may be enough.
                if len(parts) >= 1000:
                    text, parts = text + "".join(parts), []
                    if len(text) > DISPLAY_LIMIT:
                        break
            return cut(text + "".join(parts), DISPLAY_LIMIT)
        except (TypeError, ValueError, RecursionError):
            pass
    return cut(beginning(value, DISPLAY_LIMIT), DISPLAY_LIMIT)


def cut(text, limit):
    return text if len(text) <= limit else text[:limit] + "..."


def beginning(value, limit, depth=3):
    """`str(value)` at least as far as `limit`, without the text of what a long list holds behind that."""
    return str(shortened(value, limit, depth))


def shortened(value, limit, depth):
    """The value or, for a long list or string, one whose text begins alike: each member takes three characters."""
    if type(value) is str:
        return value[: limit + 1]
    if depth and type(value) in (list, tuple):
        count = limit // 3 + 2
        return type(value)(shortened(member, limit, depth - 1) for member in value[:count])
    return value
