"""nginx's configuration as nginx reads it: words, quotes, comments, blocks (src/core/ngx_conf_file.c)."""

from dataclasses import dataclass, field


@dataclass
class Directive:
    """A directive with its arguments; `block` is what stands between its braces."""

    name: str
    arguments: list[str]
    block: list["Directive"] = field(default_factory=list)

    def all(self, name: str) -> list["Directive"]:
        return [directive for directive in self.block if directive.name == name]

    def one(self, name: str) -> "Directive":
        (found,) = self.all(name)
        return found

    def value(self, name: str) -> str:
        return " ".join(self.one(name).arguments)


def parsed(text: str) -> Directive:
    """Read a whole file, as the block of a directive without a name. Fails where nginx would."""
    whole = Directive("", [])
    open_blocks, words = [whole], list[str]()
    for kind, word in _tokens(text):
        if kind == "word":
            words.append(word)
            continue
        if word == "}":
            assert not words and len(open_blocks) > 1, "unexpected }"
            open_blocks.pop()
            continue
        assert words, f"unexpected {word}"
        directive = Directive(words[0], words[1:])
        open_blocks[-1].block.append(directive)
        words = []
        if word == "{":
            open_blocks.append(directive)
    assert open_blocks == [whole] and not words, "unexpected end of file"
    return whole


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        character = text[position]
        if character in " \t\r\n":
            position += 1
        elif character == "#":
            position = text.find("\n", position) % (len(text) + 1)
        elif character in ";{}":
            found.append(("mark", character))
            position += 1
        else:
            word, position = _quoted(text, position) if character in "\"'" else _bare(text, position)
            assert len(word.encode()) < 4096, "too long parameter"
            found.append(("word", word))
    return found


def _quoted(text: str, start: int) -> tuple[str, int]:
    mark, position, word = text[start], start + 1, ""
    while text[position] != mark:
        if text[position] == "\\" and text[position + 1] in "\"'\\":
            position += 1
        word += text[position]
        position += 1
    assert text[position + 1] in " \t\r\n;{)", f"unexpected {text[position + 1]!r} after a quote"
    return word, position + 1


def _bare(text: str, start: int) -> tuple[str, int]:
    position = start
    while text[position] not in " \t\r\n;{" or (text[position] == "{" and text[position - 1] == "$"):
        position += 2 if text[position] == "\\" else 1
    return text[start:position], position
