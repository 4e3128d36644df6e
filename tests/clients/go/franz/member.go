// A member of a group: polls and commits until told to leave.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clients/loop"
)

type member struct {
	client *kgo.Client
	events *loop.Events
	stop   context.CancelFunc
	done   chan struct{}
}

func join(c loop.Command) (any, error) {
	events := loop.NewEvents(c)
	note := func(event string) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, client *kgo.Client, partitions map[string][]int32) {
			_, generation := client.GroupMetadata()
			if event == "assigned" && c.Protocol != "cooperative" { // cooperative: partitions of several generations
				events.Write(event, loop.Map{"partitions": partitions[c.Topic], "generation": generation})
			} else {
				events.Partitions(event, partitions[c.Topic])
			}
		}
	}
	balancer := kgo.GroupBalancer(kgo.RangeBalancer())
	if c.Protocol == "cooperative" {
		balancer = kgo.CooperativeStickyBalancer()
	}
	options := []kgo.Opt{kgo.SeedBrokers(os.Args[1]), kgo.ClientID(c.Member), kgo.ConsumerGroup(c.Group),
		kgo.ConsumeTopics(c.Topic), kgo.Balancers(balancer), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.SessionTimeout(time.Duration(c.SessionMs) * time.Millisecond), kgo.HeartbeatInterval(time.Second),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.OnPartitionsAssigned(note("assigned")),
		kgo.OnPartitionsRevoked(note("revoked")), kgo.OnPartitionsLost(note("lost"))}
	if c.Instance != "" {
		options = append(options, kgo.InstanceID(c.Instance))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, err
	}
	bounded, stop := context.WithCancel(context.Background())
	joined := &member{client: client, events: events, stop: stop, done: make(chan struct{})}
	members[c.Member] = joined
	go joined.run(bounded)
	return nil, nil
}

func leave(c loop.Command) (any, error) {
	leaving := members[c.Member]
	delete(members, c.Member)
	leaving.stop()
	<-leaving.done
	leaving.events.Write("left", nil)
	leaving.client.CloseAllowingRebalance()
	return nil, nil
}

// One turn is a poll, its events and its commit; rebalances wait for its end.
func (m *member) run(bounded context.Context) {
	defer close(m.done)
	for bounded.Err() == nil {
		fetches := m.client.PollFetches(bounded)
		ends := map[int32]int64{}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			read := []int64{}
			for _, record := range p.Records {
				read = append(read, record.Offset)
			}
			if len(read) > 0 {
				m.events.Consumed(p.Partition, read)
				ends[p.Partition] = read[len(read)-1] + 1
			}
		})
		if len(ends) > 0 {
			if err := m.client.CommitRecords(context.Background(), fetches.Records()...); err != nil {
				m.events.Write("commit_refused", loop.Map{"error": err.Error()})
			} else {
				m.events.Committed(ends)
			}
		}
		fetches.EachError(func(_ string, _ int32, err error) {
			if bounded.Err() == nil {
				fmt.Fprintln(os.Stderr, "poll:", err)
			}
		})
		m.client.AllowRebalance()
	}
}
