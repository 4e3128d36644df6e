// A member of a group, in the two ways that kafka-go offers: its ConsumerGroup, which tells each generation, and, for a
// group whose only member it is, its Reader, which tells nothing of rebalances.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"clients/loop"
)

const batchMax = 500

type member interface{ leave() }

func join(c loop.Command) (any, error) {
	if c.Protocol == "cooperative" {
		return nil, loop.Unsupported("kafka-go has no cooperative groups")
	}
	if c.Instance != "" {
		return nil, loop.Unsupported("kafka-go has no static members")
	}
	session := time.Duration(c.SessionMs) * time.Millisecond
	if c.Protocol == "alone" {
		return nil, joinAlone(c, session)
	}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: c.Group, Brokers: servers, Topics: []string{c.Topic}, SessionTimeout: session,
		Dialer:         &kafka.Dialer{ClientID: c.Member, Timeout: 10 * time.Second},
		GroupBalancers: []kafka.GroupBalancer{kafka.RangeGroupBalancer{}}, HeartbeatInterval: time.Second,
		JoinGroupBackoff: 100 * time.Millisecond, StartOffset: kafka.FirstOffset})
	if err != nil {
		return nil, err
	}
	joined := &generations{group: group, topic: c.Topic, events: loop.NewEvents(c), done: make(chan struct{})}
	members[c.Member] = joined
	go joined.run()
	return nil, nil
}

func leave(c loop.Command) (any, error) {
	members[c.Member].leave()
	delete(members, c.Member)
	return nil, nil
}

// A member through ConsumerGroup: a generation begins with its share and ends before the next is joined.
type generations struct {
	group  *kafka.ConsumerGroup
	topic  string
	events *loop.Events
	done   chan struct{}
}

func (m *generations) leave() {
	m.group.Close()
	<-m.done
	m.events.Write("left", nil)
}

func (m *generations) run() {
	defer close(m.done)
	for {
		generation, err := m.group.Next(context.Background())
		if errors.Is(err, kafka.ErrGroupClosed) {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "next generation:", err)
			continue
		}
		share := generation.Assignments[m.topic]
		numbers := []int32{}
		for _, partition := range share {
			numbers = append(numbers, int32(partition.ID))
		}
		generation.Start(func(bounded context.Context) {
			m.events.Write("assigned", loop.Map{"partitions": numbers, "generation": generation.ID})
			m.readAll(bounded, generation, share)
			m.events.Partitions("revoked", numbers)
		})
	}
}

// Reads until the generation has ended.
func (m *generations) readAll(bounded context.Context, generation *kafka.Generation, share []kafka.PartitionAssignment) {
	var readers sync.WaitGroup
	for _, partition := range share {
		readers.Add(1)
		go func() {
			defer readers.Done()
			reader := kafka.NewReader(kafka.ReaderConfig{
				Brokers: servers, Topic: m.topic, Partition: partition.ID, MaxWait: 100 * time.Millisecond})
			defer reader.Close()
			reader.SetOffset(partition.Offset)
			for bounded.Err() == nil {
				if read := nextBatch(bounded, reader); len(read) > 0 {
					m.consumed(generation, read)
				}
			}
		}()
	}
	readers.Wait()
	<-bounded.Done() // also with a share of nothing
}

func (m *generations) consumed(generation *kafka.Generation, read []kafka.Message) {
	ends := tell(m.events, read)
	where := map[string]map[int]int64{m.topic: {}}
	for partition, end := range ends {
		where[m.topic][int(partition)] = end
	}
	if err := generation.CommitOffsets(where); err != nil {
		m.events.Write("commit_refused", loop.Map{"error": err.Error()})
	} else {
		m.events.Committed(ends)
	}
}

// A member through Reader, as most programs use kafka-go.
type alone struct {
	reader *kafka.Reader
	events *loop.Events
	stop   context.CancelFunc
	done   chan struct{}
}

func joinAlone(c loop.Command, session time.Duration) error {
	numbers, err := partitionsOf(c.Topic)
	if err != nil {
		return err
	}
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: servers, GroupID: c.Group, Topic: c.Topic, SessionTimeout: session, HeartbeatInterval: time.Second,
		MaxWait: 100 * time.Millisecond, StartOffset: kafka.FirstOffset})
	bounded, stop := context.WithCancel(context.Background())
	joined := &alone{reader: reader, events: loop.NewEvents(c), stop: stop, done: make(chan struct{})}
	members[c.Member] = joined
	go joined.run(bounded, numbers)
	return nil
}

func (m *alone) leave() {
	m.stop()
	<-m.done
	m.events.Write("left", nil)
	m.reader.Close()
}

func (m *alone) run(bounded context.Context, numbers []int) {
	defer close(m.done)
	all := []int32{}
	for _, number := range numbers {
		all = append(all, int32(number))
	}
	m.events.Partitions("assigned", all)
	for bounded.Err() == nil {
		read := nextBatch(bounded, m.reader)
		if len(read) == 0 {
			continue
		}
		ends := tell(m.events, read)
		if err := m.reader.CommitMessages(context.Background(), read...); err != nil {
			m.events.Write("commit_refused", loop.Map{"error": err.Error()})
		} else {
			m.events.Committed(ends)
		}
	}
}

// The next record, and those that are there already.
func nextBatch(bounded context.Context, reader *kafka.Reader) []kafka.Message {
	message, err := reader.FetchMessage(bounded)
	if err != nil {
		if bounded.Err() == nil {
			fmt.Fprintln(os.Stderr, "fetch:", err)
		}
		return nil
	}
	read := []kafka.Message{message}
	for len(read) < batchMax {
		soon, cancel := context.WithTimeout(bounded, 5*time.Millisecond)
		message, err = reader.FetchMessage(soon)
		cancel()
		if err != nil {
			break
		}
		read = append(read, message)
	}
	return read
}

// Writes what was read; gives where each partition goes on.
func tell(events *loop.Events, read []kafka.Message) map[int32]int64 {
	offsets := map[int32][]int64{}
	ends := map[int32]int64{}
	for _, message := range read {
		partition := int32(message.Partition)
		offsets[partition] = append(offsets[partition], message.Offset)
		ends[partition] = message.Offset + 1
	}
	for partition, some := range offsets {
		events.Consumed(partition, some)
	}
	return ends
}
