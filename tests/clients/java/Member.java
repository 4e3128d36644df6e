// A member of a group: polls and commits on a thread of its own until told to leave.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

final class Member implements ConsumerRebalanceListener {
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final FileOutputStream events;
  private final String group;
  private final String name;
  private final Thread thread;
  private volatile boolean leaving;

  Member(JsonNode command, Properties settings, String eventsFile) throws IOException {
    events = new FileOutputStream(eventsFile, true);
    group = command.get("group").asText();
    name = command.get("member").asText();
    settings.put("group.id", group);
    settings.put("client.id", name);
    settings.put("session.timeout.ms", command.get("session_ms").asText());
    settings.put("heartbeat.interval.ms", "1000");
    settings.put("partition.assignment.strategy", strategies(command.get("protocol").asText()));
    if (command.hasNonNull("instance")) {
      settings.put("group.instance.id", command.get("instance").asText());
    }
    consumer = new KafkaConsumer<>(settings);
    consumer.subscribe(List.of(command.get("topic").asText()), this);
    thread = new Thread(this::run);
    thread.setDaemon(true);
    thread.start();
  }

  private static String strategies(String protocol) {
    String sticky = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor";
    String range = "org.apache.kafka.clients.consumer.RangeAssignor";
    switch (protocol) {
      case "cooperative":
        return sticky;
      case "either":
        return sticky + "," + range;
      default:
        return range;
    }
  }

  void leave() throws InterruptedException {
    leaving = true;
    thread.join();
  }

  @Override
  public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
    moved("assigned", partitions);
  }

  @Override
  public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
    moved("revoked", partitions);
  }

  @Override
  public void onPartitionsLost(Collection<TopicPartition> partitions) {
    moved("lost", partitions);
  }

  private void run() {
    while (!leaving) {
      try {
        turn();
      } catch (KafkaException error) { // the member stays; what it then misses, the checker finds
        System.err.println("poll: " + error);
      }
    }
    write(event("left")); // it reads no more; what closing says to the broker comes after
    consumer.close();
  }

  private void turn() {
    ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(100));
    if (records.isEmpty()) {
      return;
    }
    Map<TopicPartition, OffsetAndMetadata> ends = new HashMap<>();
    ObjectNode committed = event("committed_up_to");
    ObjectNode told = committed.putObject("offsets");
    for (TopicPartition where : records.partitions()) {
      ObjectNode consumed = event("consumed").put("partition", where.partition());
      ArrayNode offsets = consumed.putArray("offsets");
      long end = 0;
      for (ConsumerRecord<byte[], byte[]> record : records.records(where)) {
        offsets.add(record.offset());
        end = record.offset() + 1;
      }
      write(consumed);
      ends.put(where, new OffsetAndMetadata(end));
      told.put(String.valueOf(where.partition()), end);
    }
    try {
      consumer.commitSync(ends);
      write(committed);
    } catch (KafkaException refused) {
      write(event("commit_refused").put("error", refused.toString()));
    }
  }

  private void moved(String what, Collection<TopicPartition> partitions) {
    ObjectNode event = event(what);
    ArrayNode list = event.putArray("partitions");
    partitions.forEach(p -> list.add(p.partition()));
    write(event);
  }

  private ObjectNode event(String what) {
    return Adapter.JSON.createObjectNode().put("event", what).put("group", group).put("member", name);
  }

  private void write(ObjectNode event) {
    try {
      events.write((event + "\n").getBytes(StandardCharsets.UTF_8)); // one append
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}
