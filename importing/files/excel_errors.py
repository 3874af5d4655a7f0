"""Error cells of an Excel sheet, such as #N/A, which the reading library returns as empty."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_PLACE = re.compile(r"([A-Z]+)(\d+)")


def error_cells(path: Path, sheet: str) -> dict[tuple[int, int], str]:
    """Error text of each error cell in a sheet, by row and column, both from 0."""
    with zipfile.ZipFile(path) as book:
        part = _part_of(book, sheet)
        with book.open(part) as content:
            if not any(b't="e"' in block or b"t='e'" in block for block in _overlapping(content)):
                return {}
        with book.open(part) as content:
            return dict(_errors(content))


def _part_of(book: zipfile.ZipFile, sheet: str) -> str:
    """Path of a sheet's XML part within the workbook. Raises KeyError."""
    workbook = ElementTree.fromstring(book.read("xl/workbook.xml"))
    ids = {entry.get("name"): entry.get(_RELATION) for entry in workbook.iter(f"{_MAIN}sheet")}
    relations = ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
    target = {relation.get("Id"): relation.get("Target") or "" for relation in relations}[ids[sheet]]
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _overlapping(content: IO[bytes]) -> Iterator[bytes]:
    last = b""
    while block := content.read(1 << 20):
        yield last + block
        last = block[-8:]


def _errors(content: IO[bytes]) -> Iterator[tuple[tuple[int, int], str]]:
    row = column = -1
    for event, element in ElementTree.iterparse(content, ("start", "end")):
        if element.tag == f"{_MAIN}row":
            if event == "start":
                row, column = int(element.get("r") or row + 2) - 1, -1
            else:
                element.clear()
        elif element.tag == f"{_MAIN}c":
            if event == "start":
                column = _column(element.get("r")) if element.get("r") else column + 1
            elif element.get("t") == "e":
                yield (row, column), element.findtext(f"{_MAIN}v") or "#N/A"


def _column(place: str | None) -> int:
    match = _PLACE.fullmatch(place or "")
    number = 0
    for letter in match[1] if match else "A":
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
