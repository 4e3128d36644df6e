// Sarama as an adapter: see ../../README.md.
package main

import (
	"errors"
	"os"
	"time"

	"github.com/IBM/sarama"

	"clients/loop"
)

const wait = 100 * time.Second

var servers []string
var client sarama.Client
var admin sarama.ClusterAdmin
var members = map[string]*member{}

func main() {
	servers = []string{os.Args[1]}
	var err error
	if client, err = sarama.NewClient(servers, settings()); err != nil {
		panic(err)
	}
	if admin, err = sarama.NewClusterAdmin(servers, settings()); err != nil {
		panic(err)
	}
	loop.Serve(loop.Handlers{
		"create_topic": createTopic, "delete_topic": deleteTopic, "describe_topic": describeTopic,
		"describe_cluster": describeCluster, "describe_configs": describeConfigs, "alter_configs": alterConfigs,
		"add_partitions": addPartitions, "delete_records": deleteRecords, "produce": produce, "fetch": fetch,
		"offsets": offsets, "join": join, "leave": leave, "list_groups": listGroups, "describe_group": describeGroup,
		"group_offsets": groupOffsets, "delete_offsets": deleteOffsets, "delete_group": deleteGroup,
	}, codeOf)
}

func settings() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Retry.Max = 600
	config.Producer.Flush.Frequency = 5 * time.Millisecond
	config.Metadata.Retry.Max = 60
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	return config
}

func codeOf(err error) int {
	var kafka sarama.KError
	if errors.As(err, &kafka) {
		return int(kafka)
	}
	var topic *sarama.TopicError
	if errors.As(err, &topic) {
		return int(topic.Err)
	}
	return -1
}

func createTopic(c loop.Command) (any, error) {
	detail := &sarama.TopicDetail{NumPartitions: int32(c.Number()), ReplicationFactor: 1, ConfigEntries: pointers(c.Configs)}
	return nil, admin.CreateTopic(c.Topic, detail, false)
}

func pointers(configs map[string]string) map[string]*string {
	result := map[string]*string{}
	for name, value := range configs {
		value := value
		result[name] = &value
	}
	return result
}

func deleteTopic(c loop.Command) (any, error) { return nil, admin.DeleteTopic(c.Topic) }

func describeTopic(c loop.Command) (any, error) {
	topics, err := admin.DescribeTopics([]string{c.Topic})
	if err != nil {
		return nil, err
	}
	return loop.Map{"partitions": len(topics[0].Partitions)}, nil
}

func describeCluster(loop.Command) (any, error) {
	brokers, controller, err := admin.DescribeCluster()
	nodes := []int32{}
	for _, broker := range brokers {
		nodes = append(nodes, broker.ID())
	}
	return loop.Map{"nodes": nodes, "controller": controller}, err
}

func describeConfigs(c loop.Command) (any, error) {
	entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: c.Topic})
	configs := map[string]string{}
	for _, entry := range entries {
		configs[entry.Name] = entry.Value
	}
	return loop.Map{"configs": configs}, err
}

func alterConfigs(c loop.Command) (any, error) {
	changes := map[string]sarama.IncrementalAlterConfigsEntry{}
	for name, value := range pointers(c.Configs) {
		changes[name] = sarama.IncrementalAlterConfigsEntry{
			Operation: sarama.IncrementalAlterConfigsOperationSet, Value: value}
	}
	return nil, admin.IncrementalAlterConfig(sarama.TopicResource, c.Topic, changes, false)
}

func addPartitions(c loop.Command) (any, error) {
	return nil, admin.CreatePartitions(c.Topic, int32(c.Total), nil, false)
}

func deleteRecords(c loop.Command) (any, error) {
	return nil, admin.DeleteRecords(c.Topic, map[int32]int64{c.Partition: c.Before})
}

var codecs = map[string]sarama.CompressionCodec{
	"gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy, "lz4": sarama.CompressionLZ4,
	"zstd": sarama.CompressionZSTD,
}

func produce(c loop.Command) (any, error) {
	config := settings()
	config.Producer.Compression = codecs[c.Codec]
	config.Producer.Idempotent = c.Idempotent
	if c.Idempotent {
		config.Net.MaxOpenRequests = 1
	}
	producer, err := sarama.NewSyncProducer(servers, config)
	if err != nil {
		return nil, err
	}
	defer producer.Close()
	var messages []*sarama.ProducerMessage
	for _, r := range c.Records {
		message := &sarama.ProducerMessage{Topic: c.Topic, Partition: r.Partition}
		if r.Key != nil {
			message.Key = sarama.StringEncoder(*r.Key)
		}
		if r.Value != nil {
			message.Value = sarama.StringEncoder(*r.Value)
		}
		if r.Timestamp != 0 {
			message.Timestamp = time.UnixMilli(r.Timestamp)
		}
		for _, header := range r.Headers {
			message.Headers = append(message.Headers,
				sarama.RecordHeader{Key: []byte(header[0]), Value: []byte(header[1])})
		}
		messages = append(messages, message)
	}
	if err := producer.SendMessages(messages); err != nil {
		var failed sarama.ProducerErrors
		if errors.As(err, &failed) {
			return nil, failed[0].Err
		}
		return nil, err
	}
	acknowledged := [][2]int64{}
	for _, message := range messages {
		acknowledged = append(acknowledged, [2]int64{int64(message.Partition), message.Offset})
	}
	return loop.Map{"offsets": acknowledged}, nil
}

func fetch(c loop.Command) (any, error) {
	consumer, err := sarama.NewConsumer(servers, settings())
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(c.Topic, c.Partition, c.Offset)
	if errors.Is(err, sarama.ErrOffsetOutOfRange) { // Sarama leaves starting anew to its user
		partition, err = consumer.ConsumePartition(c.Topic, c.Partition, sarama.OffsetOldest)
	}
	if err != nil {
		return nil, err
	}
	defer partition.Close()
	records := []loop.Record{}
	for deadline := time.After(wait); len(records) < c.Count; {
		select {
		case m := <-partition.Messages():
			record := loop.Record{Offset: m.Offset, Key: loop.Text(m.Key), Value: loop.Text(m.Value),
				Timestamp: m.Timestamp.UnixMilli(), Headers: [][2]string{}}
			for _, header := range m.Headers {
				record.Headers = append(record.Headers, [2]string{string(header.Key), string(header.Value)})
			}
			records = append(records, record)
		case <-deadline:
			return nil, loop.Refused{Code: -1, Message: "the records did not come"}
		}
	}
	return loop.Map{"records": records}, nil
}

func offsets(c loop.Command) (any, error) {
	word, at := c.When()
	switch word {
	case "earliest":
		at = sarama.OffsetOldest
	case "latest":
		at = sarama.OffsetNewest
	case "max_timestamp":
		return nil, loop.Unsupported("Sarama knows no max timestamp")
	}
	offset, err := client.GetOffset(c.Topic, c.Partition, at)
	return loop.Map{"offset": offset}, err
}

func listGroups(loop.Command) (any, error) {
	listed, err := admin.ListConsumerGroups()
	groups := []string{}
	for group := range listed {
		groups = append(groups, group)
	}
	return loop.Map{"groups": groups}, err
}

func describeGroup(c loop.Command) (any, error) {
	described, err := admin.DescribeConsumerGroups([]string{c.Group})
	if err != nil {
		return nil, err
	}
	return loop.Map{"state": described[0].State, "members": len(described[0].Members)}, nil
}

func groupOffsets(c loop.Command) (any, error) {
	fetched, err := admin.ListConsumerGroupOffsets(c.Group, nil)
	if err != nil {
		return nil, err
	}
	found := map[int32]int64{}
	for partition, block := range fetched.Blocks[c.Topic] {
		found[partition] = block.Offset
	}
	return loop.Map{"offsets": found}, nil
}

func deleteOffsets(c loop.Command) (any, error) {
	for _, partition := range c.List() {
		if err := admin.DeleteConsumerGroupOffset(c.Group, c.Topic, partition); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func deleteGroup(c loop.Command) (any, error) { return nil, admin.DeleteConsumerGroup(c.Group) }
