"""The count at the end: every committed order against the log and against the points granted."""

from dataclasses import dataclass

from observe import Observer, read_topic


@dataclass
class Reconciliation:
    orders_committed: int
    messages_delivered: int
    repeated_in_log: int
    dead: int
    cancelled: int
    points_granted: int
    lost: int
    granted_twice: int
    rolled_back_published: int
    unfinished: int

    def holds(self) -> bool:
        """Nothing lost, nothing twice, nothing that was not committed, and enough happened to tell."""
        return (self.lost == 0 and self.granted_twice == 0 and self.rolled_back_published == 0
                and self.unfinished == 0 and self.points_granted > 0)

    def lines(self) -> list:
        return [
            f"orders committed             {self.orders_committed:7d}",
            f"messages delivered           {self.messages_delivered:7d}   (and {self.repeated_in_log} more "
            "in the log, sent again after a kill or a refusal; inbox_claim ignored them)",
            f"dead, with reason and alert  {self.dead:7d}   (the topic refused their size)",
            f"cancelled by check-back      {self.cancelled:7d}",
            f"points granted               {self.points_granted:7d}",
            f"still under way              {self.unfinished:7d}",
            f"lost                         {self.lost:7d}",
            f"granted twice                {self.granted_twice:7d}",
            f"rolled-back orders published {self.rolled_back_published:7d}",
        ]


def reconcile(observer: Observer, bootstrap_servers: str) -> Reconciliation:
    counts = observer.counts()
    orders, dead = observer.order_ids(), observer.dead_order_ids()
    grants = observer.grants()
    logged = read_topic(bootstrap_servers, "orders")
    seen = set(logged)
    return Reconciliation(
        orders_committed=len(orders),
        messages_delivered=counts.delivered,
        repeated_in_log=len(logged) - len(seen),
        dead=counts.dead,
        cancelled=counts.cancelled,
        points_granted=len(grants),
        lost=len(orders - dead - (seen & set(grants))),
        granted_twice=sum(1 for times in grants.values() if times > 1),
        rolled_back_published=len(seen - orders) + len(set(grants) - orders),
        unfinished=counts.waiting + counts.unclear,
    )
