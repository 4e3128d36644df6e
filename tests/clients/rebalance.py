"""The checker of consumer groups: it is fed the events that all members of a group write to one file, in the order in
which they happened, and says what was owned twice, read twice, skipped or left over.

A member writes `assigned` before it reads and `revoked` before it lets go, so the order in the file is the order of
ownership. Reading again is allowed only past the last commit of a member that was killed, cut off or refused.
"""


class Checker:
    def __init__(self):
        self.owners = {}  # partition -> member
        self.faults = []
        self.counts = {}  # member -> records read
        self.rebalances = 0
        self.again = 0  # records read again where that is allowed
        self._next = {}  # partition -> the offset that comes next
        self._rewind = {}  # partition -> the lowest offset at which its next reader may begin
        self._committed = {}
        self._generations = {}  # (partition, generation) -> member

    def feed(self, event: dict) -> None:
        handler = getattr(self, "_" + event["event"], None)
        if handler is None:
            self.faults.append(f"unknown event {event}")
        else:
            handler(event)

    def owned_by(self, member: str) -> list:
        return sorted(partition for partition, owner in self.owners.items() if owner == member)

    def read_up_to(self, partition: int) -> int:
        return self._next.get(partition, 0)

    def finish(self, ends: dict) -> list:
        """`ends`: partition -> how many records it holds. Gives all faults."""
        for partition, end in ends.items():
            if self.read_up_to(partition) != end:
                self.faults.append(f"lost: partition {partition} was read to {self.read_up_to(partition)} of {end}")
        return self.faults

    def _assigned(self, event):
        self.rebalances += 1
        member, generation = event["member"], event.get("generation")
        for partition in event["partitions"]:
            owner = self.owners.get(partition, member)
            if owner != member:
                self.faults.append(f"owned twice: partition {partition} went to {member} while {owner} had it")
            self.owners[partition] = member
            if generation is not None:
                first = self._generations.setdefault((partition, generation), member)
                if first != member:
                    self.faults.append(f"owned twice: {first} and {member} in generation {generation}: {partition}")

    def _revoked(self, event):
        for partition in event["partitions"]:
            if self.owners.get(partition) == event["member"]:
                del self.owners[partition]

    def _lost(self, event):  # the member was cut off: what it had not committed is read again
        self._may_rewind(event["partitions"])
        self._revoked(event)

    def _left(self, event):
        self._revoked({"member": event["member"], "partitions": self.owned_by(event["member"])})

    def _killed(self, event):
        member = event["member"]
        self._lost({"member": member, "partitions": self.owned_by(member)})
        self._away(event)

    def _away(self, event):  # who comes back under a static member's name has its share in the same generation
        member = event["member"]
        self._generations = {place: owner for place, owner in self._generations.items() if owner != member}

    def _restarted(self, _):  # the broker: commits on their way may have been lost
        self._may_rewind(list(self._next))

    def _commit_refused(self, event):
        self._may_rewind(self.owned_by(event["member"]))

    def _committed_up_to(self, event):
        for partition, offset in event["offsets"].items():
            self._committed[int(partition)] = offset

    def _may_rewind(self, partitions):
        for partition in partitions:
            self._rewind[partition] = self._committed.get(partition, 0)

    def _consumed(self, event):
        member, partition = event["member"], event["partition"]
        if self.owners.get(partition) != member:
            self.faults.append(f"not owned: {member} read partition {partition} of {self.owners.get(partition)}")
        self.counts[member] = self.counts.get(member, 0) + len(event["offsets"])
        for offset in event["offsets"]:
            self._read(member, partition, offset)

    def _read(self, member, partition, offset):
        expected = self._next.get(partition, 0)
        if offset == expected:
            self._next[partition] = expected + 1
        elif offset > expected:
            self.faults.append(f"skipped: {member} read offset {offset} of partition {partition}, not {expected}")
            self._next[partition] = offset + 1
        elif offset >= self._rewind.get(partition, expected):
            self.again += 1
            self._rewind[partition] = offset + 1
        else:
            self.faults.append(f"read twice: offset {offset} of partition {partition}, by {member}")
