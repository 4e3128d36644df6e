// The administration commands of the Java client, with what 2.8 and 4.x have in common; the rest by reflection.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.DescribeClusterResult;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

final class Administration {
  private final Admin admin;

  Administration(String bootstrap) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", bootstrap);
    admin = Admin.create(settings);
  }

  ObjectNode obey(JsonNode command) throws Exception {
    String topic = command.path("topic").asText();
    String group = command.path("group").asText();
    ObjectNode answer = Adapter.JSON.createObjectNode();
    switch (command.get("do").asText()) {
      case "create_topic":
        NewTopic made = new NewTopic(topic, command.get("partitions").asInt(), (short) 1);
        admin.createTopics(List.of(made.configs(strings(command.get("configs"))))).all().get();
        return answer;
      case "delete_topic":
        admin.deleteTopics(List.of(topic)).all().get();
        return answer;
      case "describe_topic":
        return answer.put("partitions", partitions(topic));
      case "describe_cluster":
        return describeCluster(answer);
      case "describe_configs":
        return describeConfigs(topic, answer);
      case "alter_configs":
        return alterConfigs(topic, command.get("configs"), answer);
      case "add_partitions":
        admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(command.get("total").asInt()))).all().get();
        return answer;
      case "delete_records":
        TopicPartition where = new TopicPartition(topic, command.get("partition").asInt());
        RecordsToDelete before = RecordsToDelete.beforeOffset(command.get("before").asLong());
        return answer.put("low", admin.deleteRecords(Map.of(where, before)).lowWatermarks().get(where).get().lowWatermark());
      default:
        return obeyForGroups(command, topic, group, answer);
    }
  }

  private ObjectNode obeyForGroups(JsonNode command, String topic, String group, ObjectNode answer) throws Exception {
    switch (command.get("do").asText()) {
      case "list_groups":
        ArrayNode groups = answer.putArray("groups");
        admin.listConsumerGroups().all().get().forEach(listed -> groups.add(listed.groupId()));
        return answer;
      case "describe_group":
        ConsumerGroupDescription told = admin.describeConsumerGroups(List.of(group)).describedGroups().get(group).get();
        return answer.put("state", told.state().toString()).put("members", told.members().size());
      case "group_offsets":
        ObjectNode offsets = answer.putObject("offsets");
        admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().forEach((where, offset) -> {
          if (where.topic().equals(topic)) {
            offsets.put(String.valueOf(where.partition()), offset.offset());
          }
        });
        return answer;
      case "delete_offsets":
        Set<TopicPartition> partitions = new HashSet<>();
        command.get("partitions").forEach(p -> partitions.add(new TopicPartition(topic, p.asInt())));
        admin.deleteConsumerGroupOffsets(group, partitions).all().get();
        return answer;
      case "delete_group":
        admin.deleteConsumerGroups(List.of(group)).all().get();
        return answer;
      default:
        throw new UnsupportedOperationException("the adapter has no " + command.get("do").asText());
    }
  }

  long maxTimestampOffset(TopicPartition where) throws Exception {
    OffsetSpec spec;
    try {
      spec = (OffsetSpec) OffsetSpec.class.getMethod("maxTimestamp").invoke(null);
    } catch (NoSuchMethodException old) {
      throw new UnsupportedOperationException("the Java client has no max timestamp before 3.0");
    }
    return admin.listOffsets(Map.of(where, spec)).partitionResult(where).get().offset();
  }

  @SuppressWarnings("unchecked")
  private int partitions(String topic) throws Exception {
    Object result = admin.describeTopics(List.of(topic));
    Method values; // renamed in 3.1, and the old name gone in 4.0
    try {
      values = result.getClass().getMethod("topicNameValues");
    } catch (NoSuchMethodException old) {
      values = result.getClass().getMethod("values");
    }
    return ((Map<String, KafkaFuture<TopicDescription>>) values.invoke(result)).get(topic).get().partitions().size();
  }

  private ObjectNode describeCluster(ObjectNode answer) throws Exception {
    DescribeClusterResult cluster = admin.describeCluster();
    ArrayNode nodes = answer.putArray("nodes");
    cluster.nodes().get().forEach(node -> nodes.add(node.id()));
    return answer.put("controller", cluster.controller().get().id());
  }

  private ObjectNode describeConfigs(String topic, ObjectNode answer) throws Exception {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    Config config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
    ObjectNode configs = answer.putObject("configs");
    config.entries().forEach(entry -> configs.put(entry.name(), entry.value()));
    return answer;
  }

  private ObjectNode alterConfigs(String topic, JsonNode configs, ObjectNode answer) throws Exception {
    List<AlterConfigOp> changes = new ArrayList<>();
    strings(configs).forEach(
        (name, value) -> changes.add(new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET)));
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    admin.incrementalAlterConfigs(Map.of(resource, changes)).all().get();
    return answer;
  }

  private static Map<String, String> strings(JsonNode object) {
    Map<String, String> map = new HashMap<>();
    object.fields().forEachRemaining(field -> map.put(field.getKey(), field.getValue().asText()));
    return map;
  }
}
