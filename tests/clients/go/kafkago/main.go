// kafka-go as an adapter: see ../../README.md. Records and administration; members are in member.go.
package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/segmentio/kafka-go"

	"clients/loop"
)

const wait = 100 * time.Second

var servers []string
var client *kafka.Client
var members = map[string]member{}

func main() {
	servers = []string{os.Args[1]}
	client = &kafka.Client{Addr: kafka.TCP(servers...)}
	loop.Serve(loop.Handlers{
		"create_topic": createTopic, "delete_topic": deleteTopic, "describe_topic": describeTopic,
		"describe_cluster": describeCluster, "describe_configs": describeConfigs, "alter_configs": alterConfigs,
		"add_partitions": addPartitions, "produce": produce, "fetch": fetch, "offsets": offsets, "join": join,
		"leave": leave, "list_groups": listGroups, "describe_group": describeGroup, "group_offsets": groupOffsets,
		"delete_offsets": deleteOffsets, "delete_group": deleteGroup,
	}, codeOf)
}

func codeOf(err error) int {
	var failed kafka.WriteErrors
	if errors.As(err, &failed) {
		err = failed[0]
	}
	var code kafka.Error
	if errors.As(err, &code) {
		return int(code)
	}
	return -1
}

func ctx() context.Context {
	bounded, _ := context.WithTimeout(context.Background(), wait) //nolint: the process is short
	return bounded
}

// Topics and the cluster

func createTopic(c loop.Command) (any, error) {
	topic := kafka.TopicConfig{Topic: c.Topic, NumPartitions: c.Number(), ReplicationFactor: 1}
	for name, value := range c.Configs {
		topic.ConfigEntries = append(topic.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	done, err := client.CreateTopics(ctx(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{topic}})
	if err != nil {
		return nil, err
	}
	return nil, done.Errors[c.Topic]
}

func deleteTopic(c loop.Command) (any, error) {
	done, err := client.DeleteTopics(ctx(), &kafka.DeleteTopicsRequest{Topics: []string{c.Topic}})
	if err != nil {
		return nil, err
	}
	return nil, done.Errors[c.Topic]
}

// Client.Metadata would answer from a cache that is six seconds old.
func partitionsOf(topic string) ([]int, error) {
	connection, err := kafka.DialContext(ctx(), "tcp", servers[0])
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	partitions, err := connection.ReadPartitions(topic)
	numbers := []int{}
	for _, partition := range partitions {
		numbers = append(numbers, partition.ID)
	}
	return numbers, err
}

func describeTopic(c loop.Command) (any, error) {
	numbers, err := partitionsOf(c.Topic)
	return loop.Map{"partitions": len(numbers)}, err
}

func describeCluster(loop.Command) (any, error) {
	metadata, err := client.Metadata(ctx(), &kafka.MetadataRequest{})
	if err != nil {
		return nil, err
	}
	nodes := []int{}
	for _, broker := range metadata.Brokers {
		nodes = append(nodes, broker.ID)
	}
	return loop.Map{"nodes": nodes, "controller": metadata.Controller.ID}, nil
}

func describeConfigs(c loop.Command) (any, error) {
	done, err := client.DescribeConfigs(ctx(), &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{{ResourceType: kafka.ResourceTypeTopic, ResourceName: c.Topic}}})
	if err != nil {
		return nil, err
	}
	configs := map[string]string{}
	for _, entry := range done.Resources[0].ConfigEntries {
		configs[entry.ConfigName] = entry.ConfigValue
	}
	return loop.Map{"configs": configs}, done.Resources[0].Error
}

func alterConfigs(c loop.Command) (any, error) {
	change := kafka.IncrementalAlterConfigsRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: c.Topic}
	for name, value := range c.Configs {
		change.Configs = append(change.Configs, kafka.IncrementalAlterConfigsRequestConfig{
			Name: name, Value: value, ConfigOperation: kafka.ConfigOperationSet})
	}
	done, err := client.IncrementalAlterConfigs(ctx(), &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{change}})
	if err != nil {
		return nil, err
	}
	return nil, done.Resources[0].Error
}

func addPartitions(c loop.Command) (any, error) {
	done, err := client.CreatePartitions(ctx(), &kafka.CreatePartitionsRequest{
		Topics: []kafka.TopicPartitionsConfig{{Name: c.Topic, Count: int32(c.Total)}}})
	if err != nil {
		return nil, err
	}
	return nil, done.Errors[c.Topic]
}

// Records

var codecs = map[string]kafka.Compression{
	"gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd,
}

// What the writer hands back with a record that it has delivered.
type place struct{ number, partition int }

func produce(c loop.Command) (any, error) {
	if c.Idempotent {
		return nil, loop.Unsupported("kafka-go has no idempotent producer")
	}
	acknowledged := make([][2]int64, len(c.Records))
	transport := &kafka.Transport{} // one that knows no old partitions
	defer transport.CloseIdleConnections()
	writer := &kafka.Writer{
		Addr: kafka.TCP(servers...), Topic: c.Topic, RequiredAcks: kafka.RequireAll, MaxAttempts: 1000,
		BatchTimeout: 5 * time.Millisecond, Compression: codecs[c.Codec], Transport: transport,
		Balancer: kafka.BalancerFunc(func(m kafka.Message, _ ...int) int { return m.WriterData.(place).partition }),
		Completion: func(delivered []kafka.Message, err error) {
			for _, m := range delivered { // partitions side by side, each its own places
				acknowledged[m.WriterData.(place).number] = [2]int64{int64(m.Partition), m.Offset}
			}
		},
	}
	defer writer.Close()
	messages := make([]kafka.Message, len(c.Records))
	for i, r := range c.Records {
		messages[i] = kafka.Message{Key: loop.Bytes(r.Key), Value: loop.Bytes(r.Value), WriterData: place{i, int(r.Partition)}}
		if r.Timestamp != 0 {
			messages[i].Time = time.UnixMilli(r.Timestamp)
		}
		for _, header := range r.Headers {
			messages[i].Headers = append(messages[i].Headers, kafka.Header{Key: header[0], Value: []byte(header[1])})
		}
	}
	return loop.Map{"offsets": acknowledged}, writer.WriteMessages(ctx(), messages...)
}

func fetch(c loop.Command) (any, error) {
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: servers, Topic: c.Topic, Partition: int(c.Partition), MaxWait: 100 * time.Millisecond})
	defer reader.Close()
	if err := reader.SetOffset(c.Offset); err != nil {
		return nil, err
	}
	records := []loop.Record{}
	for bounded := ctx(); len(records) < c.Count; {
		m, err := reader.ReadMessage(bounded)
		if err != nil {
			return nil, err
		}
		record := loop.Record{Offset: m.Offset, Key: loop.Text(m.Key), Value: loop.Text(m.Value),
			Timestamp: m.Time.UnixMilli(), Headers: [][2]string{}}
		for _, header := range m.Headers {
			record.Headers = append(record.Headers, [2]string{header.Key, string(header.Value)})
		}
		records = append(records, record)
	}
	return loop.Map{"records": records}, nil
}

func offsets(c loop.Command) (any, error) {
	word, ms := c.When()
	asked := kafka.TimeOffsetOf(int(c.Partition), time.UnixMilli(ms))
	switch word {
	case "earliest":
		asked = kafka.FirstOffsetOf(int(c.Partition))
	case "latest":
		asked = kafka.LastOffsetOf(int(c.Partition))
	case "max_timestamp":
		return nil, loop.Unsupported("kafka-go knows no max timestamp")
	}
	listed, err := client.ListOffsets(ctx(), &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{c.Topic: {asked}}})
	if err != nil {
		return nil, err
	}
	found := listed.Topics[c.Topic][0]
	offset := max(found.FirstOffset, found.LastOffset)
	for at := range found.Offsets {
		offset = at
	}
	return loop.Map{"offset": offset}, found.Error
}

// Groups

func listGroups(loop.Command) (any, error) {
	listed, err := client.ListGroups(ctx(), &kafka.ListGroupsRequest{})
	if err != nil {
		return nil, err
	}
	groups := []string{}
	for _, group := range listed.Groups {
		groups = append(groups, group.GroupID)
	}
	return loop.Map{"groups": groups}, listed.Error
}

func describeGroup(c loop.Command) (any, error) {
	described, err := client.DescribeGroups(ctx(), &kafka.DescribeGroupsRequest{GroupIDs: []string{c.Group}})
	if err != nil {
		return nil, err
	}
	group := described.Groups[0]
	return loop.Map{"state": group.GroupState, "members": len(group.Members)}, group.Error
}

func groupOffsets(c loop.Command) (any, error) {
	numbers, err := partitionsOf(c.Topic)
	if err != nil {
		return nil, err
	}
	fetched, err := client.OffsetFetch(ctx(), &kafka.OffsetFetchRequest{
		GroupID: c.Group, Topics: map[string][]int{c.Topic: numbers}})
	if err != nil {
		return nil, err
	}
	found := map[int]int64{}
	for _, partition := range fetched.Topics[c.Topic] {
		found[partition.Partition] = partition.CommittedOffset
	}
	return loop.Map{"offsets": found}, fetched.Error
}

func deleteOffsets(c loop.Command) (any, error) {
	numbers := []int{}
	for _, partition := range c.List() {
		numbers = append(numbers, int(partition))
	}
	done, err := client.OffsetDelete(ctx(), &kafka.OffsetDeleteRequest{
		GroupID: c.Group, Topics: map[string][]int{c.Topic: numbers}})
	if err != nil {
		return nil, err
	}
	for _, partition := range done.Topics[c.Topic] {
		if partition.Error != nil {
			return nil, partition.Error
		}
	}
	return nil, done.Error
}

func deleteGroup(c loop.Command) (any, error) {
	done, err := client.DeleteGroups(ctx(), &kafka.DeleteGroupsRequest{GroupIDs: []string{c.Group}})
	if err != nil {
		return nil, err
	}
	return nil, done.Errors[c.Group]
}
