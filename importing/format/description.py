"""Parser of dataset files: YAML to specification, with errors that name the line and the nearest valid key."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from domain.errors import InvalidDataset
from domain.wording import did_you_mean, shown
from importing.format.csv_section import CsvSpec
from importing.format.dataset_file import DatasetProblem, DatasetSpec, KindSpec, problems
from importing.format.declarations import AttributeDeclaration

Location = tuple[str | int, ...]

_DEEPEST = 5
_LONGEST = 1000
_NULL = "tag:yaml.org,2002:null"
_SHAPES = {
    "dict_type": "must hold lines of KEY: VALUE",
    "model_type": "must hold lines of KEY: VALUE",
    "tuple_type": "must be a list",
    "string_type": "must be one value",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "string_too_short": "must not be empty",
}


@dataclass(frozen=True)
class Description:
    """A parsed dataset file: path, specification, and the line of each key."""

    path: Path
    spec: DatasetSpec
    lines: Mapping[Location, int]

    def error(self, *problems: DatasetProblem) -> InvalidDataset:
        """Error with one line per problem, each naming its line in the file."""
        return _error(self.path, self.lines, problems)


def read_description(path: Path) -> Description:
    """Read a dataset file. Raises InvalidDataset naming the line, the error and the nearest valid key."""
    root = _compose(path, _text(path))
    lines: dict[Location, int] = {(): 1}
    plain = _plain(root, (), lines, path)
    try:
        description = Description(path, DatasetSpec.model_validate(plain), lines)
    except ValidationError as error:
        raise _error(path, lines, _all_in_words(error)) from None
    if wrong := list(problems(description.spec)):
        raise description.error(*wrong)
    return description


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InvalidDataset(f"{path}: there is no such file") from None
    except OSError as error:
        raise InvalidDataset(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InvalidDataset(f"{path} line {line}: not UTF-8 text; save it as UTF-8") from None


def _compose(path: Path, text: str) -> yaml.Node | None:
    try:
        for event in yaml.parse(text, yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):  # a few lines of aliases can expand to gigabytes
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise InvalidDataset(f"{path} line {line}: `*{event.anchor}`: aliases are not supported; write it out")
        return yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise InvalidDataset(f"{path} line {line}: not valid YAML: {error.problem or error.context}") from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise InvalidDataset(f"{path} line {line}: not valid YAML: {error.reason}") from None
    except RecursionError:
        raise InvalidDataset(f"{path}: not valid YAML: nested too deep") from None


def _plain(node: yaml.Node | None, at: Location, lines: dict[Location, int], path: Path) -> Any:
    """Mappings, lists and text of a YAML node. Scalars stay text: YAML would read `Yes` as a boolean."""
    if len(at) > _DEEPEST:
        raise InvalidDataset(f"{path} line {_line(lines, at)}: nested too deep")
    if isinstance(node, yaml.MappingNode):
        return {key: _plain(value, (*at, key), lines, path) for key, value in _pairs(node, at, lines, path)}
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            lines[(*at, number)] = item.start_mark.line + 1
        return [_plain(item, (*at, number), lines, path) for number, item in enumerate(node.value)]
    return None if node is None or node.tag == _NULL else node.value


def _pairs(
    node: yaml.MappingNode, at: Location, lines: dict[Location, int], path: Path
) -> Iterable[tuple[str, yaml.Node]]:
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise InvalidDataset(f"{path} line {line}: a key must be one word")
        if (*at, key.value) in lines:
            first = lines[(*at, key.value)]
            raise InvalidDataset(f"{path} line {line}: `{key.value}` occurs twice, first in line {first}")
        lines[(*at, key.value)] = line
        yield key.value, value


def _all_in_words(error: ValidationError) -> list[DatasetProblem]:
    """Invalid keys before missing ones: a missing key is often an invalid one misspelt."""
    details = sorted(error.errors(include_url=False), key=lambda e: e["type"] == "missing")
    return [_in_words(dict(e)) for e in details]


def _in_words(error: Mapping[str, Any]) -> DatasetProblem:
    """A pydantic error in plain words."""
    where: Location = tuple(error["loc"])
    key, parent = where[-1] if where else "", _called(where[:-1])
    match error["type"]:
        case "extra_forbidden":
            hint = did_you_mean(str(key), _model_at(where[:-1]).model_fields)
            return DatasetProblem(where, f"`{key}` is not a key of {parent}{hint}")
        case "missing":
            return DatasetProblem(where[:-1], f"{parent} lacks `{key}`")
        case "enum":
            written = str(error["input"])
            expected = did_you_mean(written, ["numeric", "categorical"]) or "; write numeric or categorical"
            return DatasetProblem(where, f"`{written}` is not a type of attribute{expected}")
        case kind if not where:
            return DatasetProblem(where, f"the file {_SHAPES.get(kind, error['msg'])}")
        case kind:
            return DatasetProblem(where, f"`{key}` {_SHAPES.get(kind, error['msg'])}")


def _called(where: Location) -> str:
    return f"`{where[-1]}`" if where else "the dataset file"


def _model_at(where: Location) -> type[BaseModel]:
    if not where:
        return DatasetSpec
    if where[-1] == "csv":
        return CsvSpec
    return AttributeDeclaration if len(where) == 3 else KindSpec


def _error(path: Path, lines: Mapping[Location, int], problems: Iterable[DatasetProblem]) -> InvalidDataset:
    ordered = sorted(((_line(lines, p.path), p.message) for p in problems), key=lambda lined: lined[0])
    return InvalidDataset("\n".join(f"{path} line {line}: {shown(message, _LONGEST)}" for line, message in ordered))


def _line(lines: Mapping[Location, int], where: Location) -> int:
    """Line of a key, or of the nearest enclosing key in the file."""
    while where not in lines:
        where = where[:-1]
    return lines[where]
