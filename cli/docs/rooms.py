"""`make rooms`: counts of modules, lines and imports by room.

`python -m cli.docs.rooms [FOLDER]` counts the checkout in FOLDER, by default this one.
"""

import sys
from collections import Counter
from pathlib import Path

from cli.docs.project import ROOT, imported, modules, rooms


def table(root: Path) -> str:
    """Returns the modules, lines, folders, largest folder and imports of each room as Markdown tables."""
    names = rooms(root)
    return "\n".join((*_sizes(root, names), "", *_imports(root, names)))


def _sizes(root: Path, names: list[str]) -> list[str]:
    lines = [
        "| room | modules | lines | folders | modules in the largest folder |",
        "|---|---|---|---|---|",
    ]
    total: Counter[str] = Counter()
    largest = 0
    for room in names:
        files = modules(room, root)
        folders = Counter(file.parent for file in files)
        most = max(folders.values(), default=0)
        length = sum(len(file.read_text().splitlines()) for file in files)
        total.update(modules=len(files), lines=length, folders=len(folders))
        largest = max(largest, most)
        lines.append(f"| {room} | {len(files)} | {length:,} | {len(folders)} | {most} |")
    return [*lines, f"| all | {total['modules']} | {total['lines']:,} | {total['folders']} | {largest} |"]


def _imports(root: Path, names: list[str]) -> list[str]:
    """Returns a table of import statements: a room in a row imports the room in a column, itself included."""
    counts = Counter(
        (room, target)
        for room in names
        for file in modules(room, root)
        for target in (name.partition(".")[0] for name in imported(file))
        if target in names
    )
    lines = [f"| imports | {' | '.join(names)} | other rooms |", "|---" * (len(names) + 2) + "|"]
    for room in names:
        others = sum(counts[room, target] for target in names if target != room)
        cells = (str(counts[room, target] or "") for target in names)
        lines.append(f"| {room} | {' | '.join(cells)} | {others} |")
    between = sum(count for (room, target), count in counts.items() if room != target)
    return [*lines, "", f"{between} import statements between rooms, {counts.total() - between} inside rooms."]


if __name__ == "__main__":
    print(table(Path(sys.argv[1]) if sys.argv[1:] else ROOT))
