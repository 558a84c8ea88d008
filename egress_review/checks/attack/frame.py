"""The dimensions in which linked tables lie: which levels of which keys hold, cut or exclude each other.

A *dimension* is a set of smallest parts. A level of a key holds some of them; so does what a filter leaves of
a dimension. Keys of one dimension may be named differently and cut it differently: ages in bands of five
years, and of ten. A *block* is a set of parts, kept as the bits of a number; a *partition* cuts a dimension
into blocks. A *shape* is a partition for each dimension that is cut, and an *address* a block for each.

Guarantees: two cells have the same address exactly if they hold the same parts of every dimension.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product

from egress_review.checks.attack.model import TOTAL, Key, PublishedTable

Address = tuple[tuple[str, str], ...]
"""Name and level for each block, totals left out; the names are for people and unique in a frame."""

Shape = tuple[tuple[str, int], ...]
"""Dimension and number of the partition, for each dimension that is cut."""

Partition = frozenset[int]

_LONGEST_LABEL = 80


def merge_keys(tables: Iterable[PublishedTable]) -> dict[str, Key]:
    """The keys of all tables by name, with the hierarchies that any of them knows.

    Raises:
        ValueError: two tables put one level below different ones.
    """
    merged: dict[str, Key] = {}
    for table in tables:
        for key in table.keys:
            known = merged.setdefault(key.name, Key(key.name, {}, key.dimension, key.parts))
            parents = {**known.parents, **key.parents}
            if (known.dimension, known.parts) != (key.dimension, key.parts) or any(
                known.parents.get(level, parent) != parent for level, parent in key.parents.items()
            ):
                raise ValueError("two hierarchies of one key do not agree")
            merged[key.name] = Key(key.name, parents, key.dimension, key.parts)
    return merged


class Frame:
    """The dimensions of some tables.

    Raises:
        ValueError: their hierarchies contradict each other, or a level is of none.
    """

    def __init__(self, tables: Sequence[PublishedTable]) -> None:
        self._tables = tuple(tables)
        self._keys = merge_keys(tables)
        self._levels = {name: self._levels_of(key) for name, key in self._keys.items()}
        self._bits: dict[str, dict[str, int]] = {}
        for name, levels in self._levels.items():
            bits = self._bits.setdefault(self.dimension(name), {})
            for parts in levels.values():
                for part in sorted(parts):
                    bits.setdefault(part, len(bits))
        for table in tables:
            for dimension, kept in table.slices.items():
                bits = self._bits.setdefault(dimension, {})
                for part in sorted(kept.whole):
                    bits.setdefault(part, len(bits))
        # By identity: the tables live as long as the frame.
        self._slices = {id(table): self._sliced(table) for table in tables}
        self._blocks = {
            name: {level: self._block(self.dimension(name), parts) for level, parts in levels.items()}
            for name, levels in self._levels.items()
        }
        self._partitions: list[Partition] = []
        self._numbers: dict[Partition, int] = {}
        self._joins: dict[tuple[int, int], int | None] = {}
        self._finer: dict[tuple[int, int], bool] = {}
        self._holders: dict[tuple[int, int], int] = {}
        self._labels: dict[tuple[str, int], tuple[str, str]] = {}
        self._labelled: dict[tuple[str, str], tuple[str, int]] = {}
        self._label_levels()

    def dimension(self, key: str) -> str:
        """Of a key, by its name."""
        return self._keys[key].dimension or key

    def _levels_of(self, key: Key) -> dict[str, frozenset[str]]:
        """The parts of each level of a key."""
        if key.parts:
            return dict(key.parts)
        shown = (
            row[at]
            for table in self._tables
            for at, one in enumerate(table.keys)
            if one.name == key.name
            for row in table.rows
        )
        levels = dict.fromkeys([*(one for one in shown if one is not TOTAL), *key.parents])
        inner = set(key.parents.values())
        held: dict[str, set[str]] = {level: set() for level in [*levels, *inner]}
        for level in levels:
            if level in inner:
                key.depth(level)
                continue
            for depth in range(1, key.depth(level) + 1):
                held[str(key.at(level, depth))].add(level)
        return {level: frozenset(parts) for level, parts in held.items() if parts}

    def _block(self, dimension: str, parts: Iterable[str]) -> int:
        bits = self._bits[dimension]
        block = 0
        for part in parts:
            block |= 1 << bits[part]
        return block

    def whole(self, dimension: str) -> int:
        """The block of everything; a dimension that nobody described may have levels that are not listed."""
        described = dimension not in self._keys or bool(self._keys[dimension].parts)
        return (1 << len(self._bits[dimension]) + (not described)) - 1

    def _label_levels(self) -> None:
        """A block is named by the first level that is it, else by the filter."""
        for name, levels in self._blocks.items():
            for level, block in levels.items():
                self._label(self.dimension(name), block, (name, level))
        for table in self._tables:
            for dimension, kept in table.slices.items():
                self._label(dimension, self._block(dimension, kept.parts), (dimension, kept.label))

    def _label(self, dimension: str, block: int, wanted: tuple[str, str]) -> tuple[str, str]:
        at = (dimension, block)
        if at not in self._labels:
            name, level = wanted
            while self._labelled.setdefault((name, level), at) != at:
                level += "'"
            self._labels[at] = (name, level)
        return self._labels[at]

    def label(self, dimension: str, block: int) -> tuple[str, str]:
        """The name and level by which people know a block."""
        known = self._labels.get((dimension, block))
        if known is not None:
            return known
        parts = [part for part, bit in self._bits[dimension].items() if block >> bit & 1]
        return self._label(dimension, block, (dimension, " + ".join(parts)[:_LONGEST_LABEL]))

    def block_of(self, named: tuple[str, str]) -> tuple[str, int]:
        """Dimension and block of a part of an address."""
        return self._labelled[named]

    def address(self, table: PublishedTable, row: int) -> Address | None:
        """The address of one row of a table; None if its levels and filters exclude each other: it is empty.

        Raises:
            ValueError: a level is of no dimension, or a cell that must be empty is not.
        """
        blocks = self._slice(table)
        for key, level in zip(table.keys, table.rows[row], strict=True):
            if level is not TOTAL:
                dimension = self.dimension(key.name)
                if level not in self._blocks[key.name]:
                    raise ValueError("a level is of no dimension")
                held = self._blocks[key.name][level]
                blocks[dimension] = blocks.get(dimension, self.whole(dimension)) & held
        if not all(blocks.values()):
            if table.true[row]:
                raise ValueError("a cell that must be empty is not")
            return None
        return self._address(blocks)

    def _address(self, blocks: Mapping[str, int]) -> Address:
        return tuple(sorted(self.label(*one) for one in blocks.items() if one[1] != self.whole(one[0])))

    def _slice(self, table: PublishedTable) -> dict[str, int]:
        """What a table's filter leaves, for the caller to change; asked for every row."""
        known = self._slices.get(id(table))
        return self._sliced(table) if known is None else known.copy()

    def _sliced(self, table: PublishedTable) -> dict[str, int]:
        return {dimension: self._block(dimension, kept.parts) for dimension, kept in table.slices.items()}

    def shapes(self, table: PublishedTable) -> set[Shape]:
        """The shapes of which a table lists all cells that are not empty and that its filter leaves."""
        return {self._shape(table, depths) for depths in table.shapes}

    def _shape(self, table: PublishedTable, depths: Sequence[int]) -> Shape:
        cut: dict[str, set[int]] = {}
        for key, depth in zip(table.keys, depths, strict=True):
            if depth:
                dimension = self.dimension(key.name)
                before = cut.get(dimension, {self.whole(dimension)})
                blocks = self._at_depth(key.name, depth)
                cut[dimension] = {one & other for one in before for other in blocks if one & other}
        for dimension, kept in self._slice(table).items():
            before = cut.get(dimension, {self.whole(dimension)})
            rest = {one for one in self._finest[dimension] if not one & kept}
            cut[dimension] = {one & kept for one in before if one & kept} | rest
        found = ((dimension, self._number(frozenset(blocks))) for dimension, blocks in cut.items())
        return tuple(sorted(one for one in found if self._partitions[one[1]] != {self.whole(one[0])}))

    def _at_depth(self, name: str, depth: int) -> list[int]:
        """The blocks of a key at a depth; a level with nothing below it belongs to every deeper one too."""
        key, blocks = self._keys[name], self._blocks[name]
        if key.parts:
            return list(blocks.values())
        inner = set(key.parents.values())
        return [
            block
            for level, block in blocks.items()
            if key.depth(level) == depth or (key.depth(level) < depth and level not in inner)
        ]

    @cached_property
    def _finest(self) -> dict[str, list[int]]:
        """The blocks of a dimension that no level and no filter cuts any further."""
        held: dict[str, dict[int, list[int]]] = {}
        for number, (dimension, block) in enumerate(list(self._labels)):
            of = held.setdefault(dimension, {})
            rest = block
            while rest:
                low = rest & -rest
                of.setdefault(low, []).append(number)
                rest ^= low
        found: dict[str, list[int]] = {}
        for dimension in self._bits:
            together: dict[tuple[int, ...], int] = {}
            for bit in range(len(self._bits[dimension])):
                signature = tuple(held.get(dimension, {}).get(1 << bit, ()))
                together[signature] = together.get(signature, 0) | 1 << bit
            found[dimension] = list(together.values())
        return found

    def _number(self, partition: Partition) -> int:
        if partition not in self._numbers:
            self._numbers[partition] = len(self._partitions)
            self._partitions.append(partition)
        return self._numbers[partition]

    def meet(self, first: Shape, second: Shape) -> Shape:
        """The finest shape that both refine."""
        others = dict(second)
        both = ((name, self._join(one, others[name])) for name, one in first if name in others)
        return tuple((name, joined) for name, joined in both if joined is not None)

    def _join(self, one: int, other: int) -> int | None:
        """The finest partition that is coarser than both; None if it is the whole."""
        if one == other:
            return one
        at = (min(one, other), max(one, other))
        if at not in self._joins:
            blocks: list[int] = []
            for block in (*self._partitions[one], *self._partitions[other]):
                apart = [known for known in blocks if not known & block]
                for known in blocks:
                    if known & block:
                        block |= known  # noqa: PLW2901 - grows by what it meets
                blocks = [*apart, block]
            self._joins[at] = self._number(frozenset(blocks)) if len(blocks) > 1 else None
        return self._joins[at]

    def partition(self, shape: Shape, dimension: str) -> Partition:
        """How a shape cuts a dimension that it cuts."""
        return self._partitions[dict(shape)[dimension]]

    def recut(self, shape: Shape, dimension: str, partition: Partition) -> Shape:
        """The shape with another partition of one dimension."""
        return tuple(sorted({**dict(shape), dimension: self._number(partition)}.items()))

    def parts(self, address: Address, dimension: str, partition: Partition) -> Iterator[Address]:
        """A cell, cut further in one dimension."""
        blocks = dict(map(self.block_of, address))
        for block in sorted(partition):
            if not block & ~blocks[dimension]:
                yield self._address({**blocks, dimension: block})

    def refines(self, fine: Shape, coarse: Shape) -> bool:
        """Whether every cell of `coarse` is a sum of cells of `fine`."""
        held = dict(fine)
        return fine != coarse and all(
            name in held and self._is_finer(held[name], number) for name, number in coarse
        )

    def _is_finer(self, fine: int, coarse: int) -> bool:
        at = (fine, coarse)
        if at not in self._finer:
            self._finer[at] = fine == coarse or all(
                any(block & ~wide == 0 for wide in self._partitions[coarse])
                for block in self._partitions[fine]
            )
        return self._finer[at]

    def project(self, address: Address, shape: Shape) -> Address:
        """The cell of `shape` that holds a cell of a finer shape."""
        numbers = dict(shape)
        blocks: dict[str, int] = {}
        for dimension, block in map(self.block_of, address):
            if dimension in numbers:
                blocks[dimension] = self._holder(numbers[dimension], block)
        return self._address(blocks)

    def _holder(self, number: int, block: int) -> int:
        """The block of a partition that holds a smaller one."""
        at = (number, block)
        if at not in self._holders:
            self._holders[at] = next(wide for wide in self._partitions[number] if wide & block)
        return self._holders[at]

    def cells_by_shape(self, addresses: Iterable[Address], shapes: set[Shape]) -> dict[Shape, list[Address]]:
        """The cells of each shape; one may be of several."""
        by_dimensions: dict[tuple[str, ...], list[Shape]] = {}
        for shape in shapes:
            by_dimensions.setdefault(tuple(name for name, _ in shape), []).append(shape)
        found: dict[Shape, list[Address]] = {shape: [] for shape in shapes}
        for address in addresses:
            blocks = dict(map(self.block_of, address))
            for shape in by_dimensions.get(tuple(sorted(blocks)), ()):
                if all(blocks[name] in self._partitions[number] for name, number in shape):
                    found[shape].append(address)
        return found

    def outside(self, table: PublishedTable, shape: Shape) -> Iterator[Address]:
        """The cells of a table's shape that its filter leaves out."""
        kept = self._slice(table)
        names = [name for name, _ in shape]
        for blocks in product(*(sorted(self._partitions[number]) for _, number in shape)):
            if any(block & ~kept.get(name, -1) for name, block in zip(names, blocks, strict=True)):
                yield self._address(dict(zip(names, blocks, strict=True)))

    def size(self, shape: Shape) -> int:
        """Cells of a shape, empty ones too."""
        size = 1
        for _, number in shape:
            size *= len(self._partitions[number])
        return size

    def keeps(self, table: PublishedTable, address: Address) -> bool:
        """Whether a table's filter leaves all of a cell."""
        kept = self._slice(table)
        blocks = dict(map(self.block_of, address))
        return all(blocks.get(name, self.whole(name)) & ~block == 0 for name, block in kept.items())
