"""The administration of kafka-python 3 (Admin3) and 2.0 (Admin2), as the adapter's commands."""

import kafka
from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions, NewTopic

from loop import Refused, Unsupported


class Admin:
    def __init__(self, bootstrap: str):
        self._bootstrap = bootstrap
        self._admin = KafkaAdminClient(bootstrap_servers=bootstrap)

    def create_topic(self, topic, partitions, configs):
        self._admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs)])

    def delete_topic(self, topic):
        self._admin.delete_topics([topic])

    def describe_topic(self, topic):
        return {"partitions": len(self._admin.describe_topics([topic])[0]["partitions"])}

    def describe_cluster(self):
        cluster = self._admin.describe_cluster()
        nodes = [node.get("node_id", node.get("broker_id")) for node in cluster["brokers"]]
        return {"nodes": nodes, "controller": cluster["controller_id"]}


class Admin3(Admin):
    def describe_configs(self, topic):
        described = self._admin.describe_configs([ConfigResource("TOPIC", topic)], config_filter="all")
        (configs,) = (by_name[topic] for by_name in described.values())
        return {"configs": {name: entry["value"] for name, entry in configs.items()}}

    def alter_configs(self, topic, configs):
        self._admin.alter_configs([ConfigResource("TOPIC", topic, configs)])

    def add_partitions(self, topic, total):
        self._admin.create_partitions({topic: total})

    def delete_records(self, topic, partition, before):
        self._admin.delete_records({TopicPartition(topic, partition): before})

    def max_timestamp_offset(self, where):
        from kafka.protocol.consumer import OffsetSpec
        return self._admin.list_partition_offsets({where: OffsetSpec.MAX_TIMESTAMP})[where].offset

    def list_groups(self):
        return {"groups": [group["group_id"] for group in self._admin.list_groups()]}

    def describe_group(self, group):
        described = self._admin.describe_groups([group])[group]
        return {"state": described["group_state"], "members": len(described["members"])}

    def group_offsets(self, group, topic):
        offsets = self._admin.list_group_offsets({group: None})[group]
        return {"offsets": {p.partition: o.offset for p, o in offsets.items() if p.topic == topic}}

    def delete_offsets(self, group, topic, partitions):
        done = self._admin.delete_group_offsets(group, [TopicPartition(topic, p) for p in partitions])
        for error in done.values():
            expect_no(error)

    def delete_group(self, group):
        for result in self._admin.delete_groups([group]).values():
            if result != "OK":
                raise Refused(getattr(kafka.errors, str(result).split("[")[0].split("(")[0].strip(),
                                      kafka.errors.UnknownError).errno, str(result))


class Admin2(Admin):
    def describe_configs(self, topic):
        (answer,) = self._admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        return {"configs": {entry[0]: entry[1] for entry in answer.resources[0][4]}}

    def alter_configs(self, topic, configs):
        answer = self._admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs)])
        for code, message, *_ in answer.resources:
            if code:
                raise Refused(code, str(message))

    def add_partitions(self, topic, total):
        self._admin.create_partitions({topic: NewPartitions(total)})

    def delete_records(self, topic, partition, before):
        raise Unsupported("kafka-python 2.0 has no delete records")

    def max_timestamp_offset(self, where):
        raise Unsupported("kafka-python 2.0 knows no max timestamp")

    def list_groups(self):
        return {"groups": [group for group, _ in self._admin.list_consumer_groups()]}

    def describe_group(self, group):
        (described,) = self._admin.describe_consumer_groups([group])
        return {"state": described.state, "members": len(described.members)}

    def group_offsets(self, group, topic):
        offsets = self._admin.list_consumer_group_offsets(group)
        return {"offsets": {p.partition: o.offset for p, o in offsets.items() if p.topic == topic}}

    def delete_group(self, group):
        for _, error in self._admin.delete_consumer_groups([group]):
            expect_no(error)


def expect_no(error_class):
    if error_class is not kafka.errors.NoError:
        raise error_class()
