// The Java client as an adapter, 4.x and 2.8 by the same source: commands in, answers out. See ../README.md.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public final class Adapter {
  static final ObjectMapper JSON = new ObjectMapper();
  static final Duration WAIT = Duration.ofSeconds(100);

  private final String bootstrap;
  private final String events;
  private final Administration administration;
  private final Map<String, Member> members = new HashMap<>();

  private Adapter(String bootstrap, String events) {
    this.bootstrap = bootstrap;
    this.events = events;
    administration = new Administration(bootstrap);
  }

  public static void main(String[] arguments) throws Exception {
    Adapter adapter = new Adapter(arguments[0], arguments[1]);
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonNode command = JSON.readTree(line);
      ObjectNode answer = JSON.createObjectNode().put("id", command.get("id").asInt());
      try {
        answer.set("ok", adapter.obey(command));
      } catch (UnsupportedOperationException unsupported) {
        answer.put("unsupported", String.valueOf(unsupported.getMessage()));
      } catch (Exception error) {
        Throwable cause = error.getCause() == null ? error : error.getCause();
        System.err.println(command.get("do") + ": " + cause);
        answer.put("error", Errors.forException(cause).code()).put("message", cause.toString());
      }
      System.out.write((JSON.writeValueAsString(answer) + "\n").getBytes(StandardCharsets.UTF_8));
      System.out.flush();
    }
    System.exit(0);
  }

  private ObjectNode obey(JsonNode command) throws Exception {
    switch (command.get("do").asText()) {
      case "produce":
        return produce(command);
      case "fetch":
        return fetch(command);
      case "offsets":
        return offsets(command);
      case "join":
        Properties settings = consumerSettings();
        members.put(command.get("member").asText(), new Member(command, settings, events));
        return JSON.createObjectNode();
      case "leave":
        members.remove(command.get("member").asText()).leave();
        return JSON.createObjectNode();
      default:
        return administration.obey(command);
    }
  }

  private ObjectNode produce(JsonNode command) throws Exception {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", bootstrap);
    settings.put("key.serializer", ByteArraySerializer.class.getName());
    settings.put("value.serializer", ByteArraySerializer.class.getName());
    settings.put("acks", "all");
    settings.put("linger.ms", "5");
    settings.put("compression.type", command.path("codec").asText("none"));
    settings.put("enable.idempotence", String.valueOf(command.path("idempotent").asBoolean()));
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings)) {
      for (JsonNode record : command.get("records")) {
        Long timestamp = record.has("timestamp") ? record.get("timestamp").asLong() : null;
        ProducerRecord<byte[], byte[]> made =
            new ProducerRecord<>(command.get("topic").asText(), record.get("partition").asInt(), timestamp,
                octets(record.get("key")), octets(record.get("value")));
        for (JsonNode header : record.path("headers")) {
          made.headers().add(header.get(0).asText(), octets(header.get(1)));
        }
        sent.add(producer.send(made));
      }
    }
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode offsets = answer.putArray("offsets");
    for (Future<RecordMetadata> future : sent) {
      offsets.addArray().add(future.get().partition()).add(future.get().offset());
    }
    return answer;
  }

  private ObjectNode fetch(JsonNode command) {
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode records = answer.putArray("records");
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(consumerSettings())) {
      TopicPartition where = new TopicPartition(command.get("topic").asText(), command.get("partition").asInt());
      consumer.assign(List.of(where));
      consumer.seek(where, command.get("offset").asLong());
      long end = System.nanoTime() + WAIT.toNanos();
      while (records.size() < command.get("count").asInt()) {
        if (System.nanoTime() > end) {
          throw new IllegalStateException("only " + records.size() + " records came");
        }
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
          ObjectNode told = records.addObject().put("offset", record.offset()).put("timestamp", record.timestamp());
          told.put("key", text(record.key())).put("value", text(record.value()));
          ArrayNode headers = told.putArray("headers");
          record.headers().forEach(h -> headers.addArray().add(h.key()).add(text(h.value())));
        }
      }
    }
    return answer;
  }

  private ObjectNode offsets(JsonNode command) throws Exception {
    TopicPartition where = new TopicPartition(command.get("topic").asText(), command.get("partition").asInt());
    JsonNode at = command.get("at");
    if (at.asText().equals("max_timestamp")) {
      return JSON.createObjectNode().put("offset", administration.maxTimestampOffset(where));
    }
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(consumerSettings())) {
      long offset;
      if (at.isNumber()) {
        var found = consumer.offsetsForTimes(Map.of(where, at.asLong())).get(where);
        offset = found == null ? -1 : found.offset();
      } else if (at.asText().equals("earliest")) {
        offset = consumer.beginningOffsets(List.of(where)).get(where);
      } else {
        offset = consumer.endOffsets(List.of(where)).get(where);
      }
      return JSON.createObjectNode().put("offset", offset);
    }
  }

  private Properties consumerSettings() {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", bootstrap);
    settings.put("key.deserializer", ByteArrayDeserializer.class.getName());
    settings.put("value.deserializer", ByteArrayDeserializer.class.getName());
    settings.put("auto.offset.reset", "earliest");
    settings.put("enable.auto.commit", "false");
    return settings;
  }

  private static byte[] octets(JsonNode text) {
    return text.isNull() ? null : text.asText().getBytes(StandardCharsets.UTF_8);
  }

  private static String text(byte[] octets) {
    return octets == null ? null : new String(octets, StandardCharsets.UTF_8);
  }
}
