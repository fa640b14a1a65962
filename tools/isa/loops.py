"""Loops of a program, found in its control flow: natural loops of jumps to a block that dominates the jump's.

The layout of the code does not matter: drivers put what follows a loop into its middle, or its condition before its label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dialects import Instruction


@dataclass(frozen=True)
class Jump:
    """A control transfer: from the instruction of that index to a label; whether the next line may follow too."""

    at: int
    target: str | None
    falls: bool


@dataclass(eq=False)
class Loop:
    """A loop, or the whole program as the root of all."""

    program: Sequence[Instruction]
    spans: list[tuple[int, int]]
    """Of the program, first and last index, in the order of the listing from the loop's header on."""
    number: int = 0
    """1 for the first loop of the listing, and on; 0 for the root."""
    parent: Loop | None = None
    children: list[Loop] = field(default_factory=list)

    def indices(self) -> list[int]:
        """Of its instructions with those of the loops in it."""
        return [i for first, last in self.spans for i in range(first, last + 1)]

    def all(self) -> list[Instruction]:
        """Its instructions with those of the loops in it, once each."""
        return [self.program[i] for i in self.indices()]

    def own(self) -> list[Instruction]:
        """Its instructions without those of the loops in it."""
        inner = {i for child in self.children for i in child.indices()}
        return [self.program[i] for i in self.indices() if i not in inner]

    def chain(self) -> list[Loop]:
        """The loops around it, outermost first, and itself; without the root."""
        above = self.parent.chain() if self.parent else []
        return [*above, self] if self.parent else []

    def walk(self) -> Iterator[Loop]:
        """Itself and all loops in it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def mix(self) -> Counter[str]:
        """Instructions of an iteration by kind, without those of the loops in it."""
        return mix(self.own())

    def work(self) -> int:
        """Multiply-adds of an iteration, without those of the loops in it: of a lane by `fma`."""
        return sum(i.work for i in self.own() if i.kind == "fma")

    def matrix_work(self) -> int:
        """Multiply-adds of an iteration by matrix instructions, of a subgroup."""
        return sum(i.work for i in self.own() if i.kind == "matrix")


def mix(instructions: Iterable[Instruction]) -> Counter[str]:
    """Instructions by kind, as often as they issue by themselves: both halves of a pair count."""
    total: Counter[str] = Counter()
    for instruction in instructions:
        total[instruction.kind] += instruction.count
    return total


@dataclass(frozen=True)
class Blocks:
    """A program's blocks: where each begins, the end of the last, and where control goes from each."""

    begins: list[int]
    end: int
    after: list[list[int]]

    def span(self, block: int) -> tuple[int, int]:
        """First and last instruction."""
        follower = self.begins[block + 1] if block + 1 < len(self.begins) else self.end
        return self.begins[block], follower - 1

    def before(self) -> list[list[int]]:
        """Where control comes from."""
        found: list[list[int]] = [[] for _ in self.begins]
        for block, followers in enumerate(self.after):
            for follower in followers:
                found[follower].append(block)
        return found


def blocks_of(length: int, labels: Mapping[str, int], jumps: Sequence[Jump]) -> Blocks:
    """Cuts a program at its labels and behind its jumps."""
    cuts = {0, *labels.values(), *(jump.at + 1 for jump in jumps)}
    begins = sorted(cut for cut in cuts if cut < length) or [0]
    number = {begin: block for block, begin in enumerate(begins)}
    last = {jump.at: jump for jump in jumps}
    after = []
    for block in range(len(begins)):
        end = begins[block + 1] if block + 1 < len(begins) else length
        jump = last.get(end - 1)
        followers = [block + 1] if block + 1 < len(begins) and (jump is None or jump.falls) else []
        target = labels.get(jump.target) if jump and jump.target is not None else None
        if target is not None and target in number:
            followers.append(number[target])
        after.append(followers)
    return Blocks(begins, length, after)


def order_of(blocks: Blocks) -> list[int]:
    """Blocks that can be reached, every one before those it leads to where there is no way back."""
    done: list[int] = []
    seen = {0}
    path = [(0, iter(blocks.after[0]))]
    while path:
        block, followers = path[-1]
        follower = next((f for f in followers if f not in seen), None)
        if follower is None:
            done.append(block)
            path.pop()
        else:
            seen.add(follower)
            path.append((follower, iter(blocks.after[follower])))
    return done[::-1]


def dominators(blocks: Blocks) -> dict[int, int]:
    """The closest block that every way to a block passes, for each that can be reached; 0 for itself."""
    order = order_of(blocks)
    rank = {block: i for i, block in enumerate(order)}
    before = blocks.before()
    closest = {0: 0}
    changed = True
    while changed:
        changed = False
        for block in order[1:]:
            found: int | None = None
            for way in before[block]:
                if way not in closest:
                    continue
                found = way if found is None else common(found, way, closest, rank)
            if found is not None and closest.get(block) != found:
                closest[block] = found
                changed = True
    return closest


def common(a: int, b: int, closest: Mapping[int, int], rank: Mapping[int, int]) -> int:
    """The closest block that dominates both."""
    while a != b:
        while rank[a] > rank[b]:
            a = closest[a]
        while rank[b] > rank[a]:
            b = closest[b]
    return a


def bodies(blocks: Blocks) -> dict[int, set[int]]:
    """The blocks of each loop by its header; several ways back to one header are one loop."""
    closest = dominators(blocks)
    before = blocks.before()
    found: dict[int, set[int]] = {}
    for block in closest:
        for header in blocks.after[block]:
            above = block
            while above != header and above != 0:
                above = closest[above]
            if above != header:
                continue
            body = found.setdefault(header, {header})
            more = [block]
            while more:
                member = more.pop()
                if member not in body:
                    body.add(member)
                    more.extend(way for way in before[member] if way in closest)
    return found


def loop_tree(program: Sequence[Instruction], labels: Mapping[str, int], jumps: Sequence[Jump]) -> Loop:
    """The root of a program's loops."""
    root = Loop(program, [(0, len(program) - 1)])
    if not program:
        return root
    blocks = blocks_of(len(program), labels, jumps)
    made: list[tuple[set[int], Loop]] = []
    for header, body in sorted(bodies(blocks).items(), key=lambda item: -len(item[1])):
        members = sorted(body)
        # A header may stand behind parts of its loop: it comes first, what stands above it last.
        at = members.index(header)
        spans = [blocks.span(block) for block in members[at:] + members[:at]]
        around = [loop for outer, loop in made if header in outer]
        parent = around[-1] if around else root
        loop = Loop(program, spans, parent=parent)
        parent.children.append(loop)
        made.append((body, loop))
    for number, loop in enumerate(sorted((loop for _, loop in made), key=first_line), 1):
        loop.number = number
    for loop in root.walk():
        loop.children.sort(key=lambda child: child.number)
    return root


def first_line(loop: Loop) -> tuple[int, int]:
    """Where a loop stands in the listing; those around it before it."""
    return min(first for first, _ in loop.spans), -len(loop.spans)
