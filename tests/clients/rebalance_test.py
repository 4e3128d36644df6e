"""Every rule of the checker turns red once."""

import unittest

from rebalance import Checker


def assigned(member, *partitions, **more):
    return {"event": "assigned", "member": member, "partitions": list(partitions), **more}


def revoked(member, *partitions):
    return {"event": "revoked", "member": member, "partitions": list(partitions)}


def consumed(member, partition, *offsets):
    return {"event": "consumed", "member": member, "partition": partition, "offsets": list(offsets)}


def committed(member, partition, offset):
    return {"event": "committed_up_to", "member": member, "offsets": {str(partition): offset}}


def killed(member):
    return {"event": "killed", "member": member}


def judge(events, ends):
    checker = Checker()
    for event in events:
        checker.feed(event)
    return checker.finish(ends)


class CheckerTest(unittest.TestCase):
    def expect(self, events, ends, *starts):
        faults = judge(events, ends)
        self.assertEqual([fault.split(":")[0] for fault in faults], list(starts), faults)

    def test_a_partition_handed_over_is_fine(self):
        self.expect([assigned("a", 0), consumed("a", 0, 0, 1), revoked("a", 0), assigned("b", 0),
                     consumed("b", 0, 2)], {0: 3})

    def test_two_owners_at_once(self):
        self.expect([assigned("a", 0), assigned("b", 0)], {}, "owned twice")

    def test_two_owners_in_one_generation(self):
        self.expect([assigned("a", 0, generation=3), revoked("a", 0), assigned("b", 0, generation=3)], {},
                    "owned twice")

    def test_a_killed_static_member_is_followed_in_its_generation(self):
        self.expect([assigned("a", 0, generation=3), killed("a"), assigned("b", 0, generation=3)], {})

    def test_a_static_member_that_left_is_followed_in_its_generation_another_is_not(self):
        left = [assigned("a", 0, generation=3), {"event": "left", "member": "a"}]
        back = assigned("b", 0, generation=3)
        self.expect([*left, {"event": "away", "member": "a"}, back], {})
        self.expect([*left, back], {}, "owned twice")

    def test_reading_what_is_not_owned(self):
        self.expect([assigned("a", 0), revoked("a", 0), consumed("a", 0, 0)], {0: 1}, "not owned")
        self.expect([assigned("a", 0), {"event": "left", "member": "a"}, consumed("a", 0, 0)], {0: 1}, "not owned")

    def test_a_record_that_nobody_read(self):
        self.expect([assigned("a", 0), consumed("a", 0, 0)], {0: 2}, "lost")
        self.expect([assigned("a", 0), consumed("a", 0, 0, 2)], {0: 3}, "skipped")

    def test_a_record_read_twice(self):
        self.expect([assigned("a", 0), consumed("a", 0, 0, 1, 1)], {0: 2}, "read twice")

    def test_a_kill_allows_what_was_not_committed_and_no_more(self):
        before = [assigned("a", 0), consumed("a", 0, 0, 1, 2), committed("a", 0, 2), killed("a"), assigned("b", 0)]
        self.expect([*before, consumed("b", 0, 2, 3)], {0: 4})
        self.expect([*before, consumed("b", 0, 1, 2, 3)], {0: 4}, "read twice")
        self.expect([*before, consumed("b", 0, 2, 2, 3)], {0: 4}, "read twice")

    def test_an_event_nobody_knows(self):
        self.expect([{"event": "assignedd"}], {}, "unknown event {'event'")


if __name__ == "__main__":
    unittest.main()
