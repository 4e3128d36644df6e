// franz-go as an adapter: see ../../README.md.
package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"clients/loop"
)

const wait = 100 * time.Second

var admin *kadm.Client
var members = map[string]*member{}

func main() {
	client, err := kgo.NewClient(kgo.SeedBrokers(os.Args[1]))
	if err != nil {
		panic(err)
	}
	admin = kadm.NewClient(client)
	loop.Serve(loop.Handlers{
		"create_topic": createTopic, "delete_topic": deleteTopic, "describe_topic": describeTopic,
		"describe_cluster": describeCluster, "describe_configs": describeConfigs, "alter_configs": alterConfigs,
		"add_partitions": addPartitions, "delete_records": deleteRecords, "produce": produce, "fetch": fetch,
		"offsets": offsets, "join": join, "leave": leave, "list_groups": listGroups, "describe_group": describeGroup,
		"group_offsets": groupOffsets, "delete_offsets": deleteOffsets, "delete_group": deleteGroup,
	}, codeOf)
}

func codeOf(err error) int {
	var kafka *kerr.Error
	if errors.As(err, &kafka) {
		return int(kafka.Code)
	}
	return -1
}

func ctx() context.Context {
	bounded, _ := context.WithTimeout(context.Background(), wait) //nolint: the process is short
	return bounded
}

func createTopic(c loop.Command) (any, error) {
	configs := map[string]*string{}
	for name, value := range c.Configs {
		configs[name] = kadm.StringPtr(value)
	}
	_, err := admin.CreateTopic(ctx(), int32(c.Number()), 1, configs, c.Topic)
	return nil, err
}

func deleteTopic(c loop.Command) (any, error) {
	_, err := admin.DeleteTopic(ctx(), c.Topic)
	return nil, err
}

func describeTopic(c loop.Command) (any, error) {
	topics, err := admin.ListTopics(ctx(), c.Topic)
	if err != nil {
		return nil, err
	}
	return loop.Map{"partitions": len(topics[c.Topic].Partitions)}, topics[c.Topic].Err
}

func describeCluster(loop.Command) (any, error) {
	metadata, err := admin.BrokerMetadata(ctx())
	return loop.Map{"nodes": metadata.Brokers.NodeIDs(), "controller": metadata.Controller}, err
}

func describeConfigs(c loop.Command) (any, error) {
	described, err := admin.DescribeTopicConfigs(ctx(), c.Topic)
	if err != nil {
		return nil, err
	}
	configs := map[string]*string{}
	for _, config := range described[0].Configs {
		configs[config.Key] = config.Value
	}
	return loop.Map{"configs": configs}, described[0].Err
}

func alterConfigs(c loop.Command) (any, error) {
	var changes []kadm.AlterConfig
	for name, value := range c.Configs {
		changes = append(changes, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: kadm.StringPtr(value)})
	}
	done, err := admin.AlterTopicConfigs(ctx(), changes, c.Topic)
	if err != nil {
		return nil, err
	}
	return nil, done[0].Err
}

func addPartitions(c loop.Command) (any, error) {
	done, err := admin.UpdatePartitions(ctx(), c.Total, c.Topic)
	if err != nil {
		return nil, err
	}
	return nil, done[c.Topic].Err
}

func deleteRecords(c loop.Command) (any, error) {
	before := kadm.Offsets{}
	before.AddOffset(c.Topic, c.Partition, c.Before, -1)
	done, err := admin.DeleteRecords(ctx(), before)
	if err != nil {
		return nil, err
	}
	return loop.Map{"low": done[c.Topic][c.Partition].LowWatermark}, done.Error()
}

var codecs = map[string]kgo.CompressionCodec{
	"": kgo.NoCompression(), "none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

func produce(c loop.Command) (any, error) {
	options := []kgo.Opt{kgo.SeedBrokers(os.Args[1]), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codecs[c.Codec]), kgo.ProducerLinger(5 * time.Millisecond)}
	if !c.Idempotent {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var records []*kgo.Record
	for _, r := range c.Records {
		record := &kgo.Record{Topic: c.Topic, Partition: r.Partition, Key: loop.Bytes(r.Key), Value: loop.Bytes(r.Value)}
		if r.Timestamp != 0 {
			record.Timestamp = time.UnixMilli(r.Timestamp)
		}
		for _, header := range r.Headers {
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: header[0], Value: []byte(header[1])})
		}
		records = append(records, record)
	}
	if err := client.ProduceSync(ctx(), records...).FirstErr(); err != nil {
		return nil, err
	}
	acknowledged := [][2]int64{}
	for _, record := range records {
		acknowledged = append(acknowledged, [2]int64{int64(record.Partition), record.Offset})
	}
	return loop.Map{"offsets": acknowledged}, nil
}

func fetch(c loop.Command) (any, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(os.Args[1]), kgo.ConsumePartitions(
		map[string]map[int32]kgo.Offset{c.Topic: {c.Partition: kgo.NewOffset().At(c.Offset)}}))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	records := []loop.Record{}
	for bounded := ctx(); len(records) < c.Count; {
		fetches := client.PollFetches(bounded)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			record := loop.Record{Offset: r.Offset, Key: loop.Text(r.Key), Value: loop.Text(r.Value),
				Timestamp: r.Timestamp.UnixMilli(), Headers: [][2]string{}}
			for _, header := range r.Headers {
				record.Headers = append(record.Headers, [2]string{header.Key, string(header.Value)})
			}
			records = append(records, record)
		})
	}
	return loop.Map{"records": records[:c.Count]}, nil
}

func offsets(c loop.Command) (any, error) {
	var listed kadm.ListedOffsets
	var err error
	switch word, ms := c.When(); word {
	case "earliest":
		listed, err = admin.ListStartOffsets(ctx(), c.Topic)
	case "latest":
		listed, err = admin.ListEndOffsets(ctx(), c.Topic)
	case "max_timestamp":
		listed, err = admin.ListMaxTimestampOffsets(ctx(), c.Topic)
	default:
		listed, err = admin.ListOffsetsAfterMilli(ctx(), ms, c.Topic)
	}
	if err != nil {
		return nil, err
	}
	found, _ := listed.Lookup(c.Topic, c.Partition)
	return loop.Map{"offset": found.Offset}, found.Err
}

func listGroups(loop.Command) (any, error) {
	listed, err := admin.ListGroups(ctx())
	return loop.Map{"groups": listed.Groups()}, err
}

func describeGroup(c loop.Command) (any, error) {
	described, err := admin.DescribeGroups(ctx(), c.Group)
	if err != nil {
		return nil, err
	}
	group := described[c.Group]
	return loop.Map{"state": group.State, "members": len(group.Members)}, group.Err
}

func groupOffsets(c loop.Command) (any, error) {
	fetched, err := admin.FetchOffsets(ctx(), c.Group)
	found := map[int32]int64{}
	for partition, offset := range fetched[c.Topic] {
		found[partition] = offset.At
	}
	return loop.Map{"offsets": found}, err
}

func deleteOffsets(c loop.Command) (any, error) {
	set := kadm.TopicsSet{}
	set.Add(c.Topic, c.List()...)
	done, err := admin.DeleteOffsets(ctx(), c.Group, set)
	if err != nil {
		return nil, err
	}
	return nil, done.Error()
}

func deleteGroup(c loop.Command) (any, error) {
	_, err := admin.DeleteGroup(ctx(), c.Group)
	return nil, err
}
