package gridwatch.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * Kafka Streams doing a lesser job on one thread: decode the record, compare its temperature with one threshold, write one
 * state a record, send what is above the threshold. Everything else as it comes: store with changelog, at least once.
 *
 * <p>Arguments: brokers, timeline, results topic, application id, records to handle, state directory, store (rocksdb or
 * memory). Prints one line of JSON: records, seconds, cpu_seconds, rss_mb, from the first record handled on.
 */
public final class Peer {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  private static final double THRESHOLD_C = 37.3;

  private static long expected;
  private static long handled;
  private static long beganNanos;
  private static long beganCpuNanos;

  /** One record after the other; a record without key (a tick) has no state of its own. */
  private static final class Watch implements Processor<byte[], byte[], byte[], byte[]> {
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<byte[], byte[]> people;

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
      this.context = context;
      this.people = context.getStateStore("people");
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      if (handled++ == 0) {
        beganNanos = System.nanoTime();
        beganCpuNanos = SYSTEM.getProcessCpuTime();
      }
      if (record.key() != null) {
        watch(record);
      }
      if (handled == expected) {
        report();
      }
    }

    private void watch(Record<byte[], byte[]> record) {
      JsonNode scan;
      try {
        scan = JSON.readTree(record.value());
      } catch (IOException error) {
        throw new IllegalStateException("expected JSON", error);
      }
      byte[] last = people.get(record.key());
      double temperature = scan.path("temperature_c").asDouble(0);
      people.put(record.key(), state(last, temperature, scan.path("occurred_at").asText()));
      if (temperature >= THRESHOLD_C) {
        context.forward(record);
      }
    }

    private static byte[] state(byte[] last, double temperature, String occurredAt) {
      long count = last == null ? 1 : 1 + Long.parseLong(new String(last, 0, indexOfSpace(last), StandardCharsets.US_ASCII));
      return (count + " " + temperature + " " + occurredAt).getBytes(StandardCharsets.US_ASCII);
    }

    private static int indexOfSpace(byte[] bytes) {
      int index = 0;
      while (bytes[index] != ' ') {
        index++;
      }
      return index;
    }
  }

  private static void report() {
    double seconds = (System.nanoTime() - beganNanos) / 1e9;
    double cpu = (SYSTEM.getProcessCpuTime() - beganCpuNanos) / 1e9;
    System.out.printf(
        java.util.Locale.ROOT,
        "{\"records\":%d,\"seconds\":%.4f,\"cpu_seconds\":%.4f,\"rss_mb\":%.1f}%n",
        handled, seconds, cpu, peakResidentKilobytes() / 1024.0);
    System.out.flush();
    Runtime.getRuntime().halt(0);
  }

  private static long peakResidentKilobytes() {
    try {
      return Files.readAllLines(Path.of("/proc/self/status")).stream()
          .filter(line -> line.startsWith("VmHWM"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D+", "")))
          .findFirst()
          .orElse(0);
    } catch (IOException error) {
      return 0;
    }
  }

  public static void main(String[] arguments) {
    String timeline = arguments[1];
    String results = arguments[2];
    expected = Long.parseLong(arguments[4]);
    Properties settings = new Properties();
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[3]);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[5]);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
    settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
    settings.put("auto.offset.reset", "earliest");

    var store =
        "memory".equals(arguments[6])
            ? Stores.inMemoryKeyValueStore("people")
            : Stores.persistentKeyValueStore("people");
    Topology topology = new Topology();
    topology.addSource("timeline", timeline);
    topology.addProcessor("watch", Watch::new, "timeline");
    topology.addStateStore(
        Stores.keyValueStoreBuilder(store, Serdes.ByteArray(), Serdes.ByteArray()), "watch");
    topology.addSink("results", results, "watch");
    new KafkaStreams(topology, settings).start();
  }
}
