// A member of a group: a session is a generation, with one goroutine a partition.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/IBM/sarama"

	"clients/loop"
)

type member struct {
	group  sarama.ConsumerGroup
	topic  string
	events *loop.Events
	stop   context.CancelFunc
	done   chan struct{}
}

func join(c loop.Command) (any, error) {
	if c.Protocol == "cooperative" {
		return nil, loop.Unsupported("Sarama has no cooperative groups")
	}
	config := settings()
	config.ClientID = c.Member
	config.Consumer.MaxWaitTime = 100 * time.Millisecond // Sarama's commits wait behind its long polls, on one connection
	config.Consumer.Group.Session.Timeout = time.Duration(c.SessionMs) * time.Millisecond
	config.Consumer.Group.Heartbeat.Interval = time.Second
	config.Consumer.Group.Rebalance.Retry.Max = 60
	config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyRange()}
	config.Consumer.Group.InstanceId = c.Instance
	config.Consumer.Offsets.AutoCommit.Enable = false
	group, err := sarama.NewConsumerGroup(servers, c.Group, config)
	if err != nil {
		return nil, err
	}
	bounded, stop := context.WithCancel(context.Background())
	joined := &member{group: group, topic: c.Topic, events: loop.NewEvents(c), stop: stop, done: make(chan struct{})}
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
	return nil, leaving.group.Close()
}

func (m *member) run(bounded context.Context) {
	defer close(m.done)
	for bounded.Err() == nil {
		if err := m.group.Consume(bounded, []string{m.topic}, m); err != nil && bounded.Err() == nil {
			fmt.Fprintln(os.Stderr, "consume:", err)
		}
	}
}

// Setup begins a session.
func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	m.events.Write("assigned", loop.Map{"partitions": partitions(session, m.topic), "generation": session.GenerationID()})
	return nil
}

// Cleanup ends a session, when all its ConsumeClaim have returned.
func (m *member) Cleanup(session sarama.ConsumerGroupSession) error {
	m.events.Partitions("revoked", partitions(session, m.topic))
	return nil
}

// ConsumeClaim reads one partition until the session ends.
func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			m.events.Consumed(message.Partition, []int64{message.Offset})
			session.MarkMessage(message, "")
			if len(claim.Messages()) == 0 {
				session.Commit() // tells no error: what it did not commit is committed at the end of the session
			}
		case <-session.Context().Done():
			return nil
		}
	}
}

func partitions(session sarama.ConsumerGroupSession, topic string) []int32 {
	if claimed := session.Claims()[topic]; claimed != nil {
		return claimed
	}
	return []int32{}
}
