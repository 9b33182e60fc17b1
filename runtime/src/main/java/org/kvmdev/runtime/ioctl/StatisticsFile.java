package org.kvmdev.runtime.ioctl;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.kvmdev.api.Host;
import org.kvmdev.api.HostTables.Statistic;
import org.kvmdev.api.machine.MadeFile;

/**
 * What KVM_GET_STATS_FD makes: a header, the name of what is counted, a description of each
 * statistic, and the numbers ({@code struct kvm_stats_header}, {@code struct kvm_stats_desc}). They
 * count what a CPU does, and so stay those of a vCPU that never ran.
 */
final class StatisticsFile implements MadeFile {
  private static final int HEADER = 24;

  /** The room for a name, its end included. */
  private static final int NAME = 48;

  private static final int DESCRIPTION = 16 + NAME;

  private final String name;
  private final byte[] content;
  private int position;

  /**
   * The statistics of a VM or a vCPU.
   *
   * @param name the file's name
   * @param id the name of what is counted
   * @param statistics which there are
   * @param host the order of numbers
   */
  StatisticsFile(String name, String id, List<Statistic> statistics, Host host) {
    this.name = name;
    int descriptions = HEADER + NAME;
    int data = descriptions + DESCRIPTION * statistics.size();
    int numbers = statistics.stream().mapToInt(Statistic::size).sum();
    ByteBuffer file = ByteBuffer.allocate(data + 8 * numbers).order(host.byteOrder());
    file.putInt(0).putInt(NAME).putInt(statistics.size());
    file.putInt(HEADER).putInt(descriptions).putInt(data);
    putName(file, id);
    int offset = 0;
    for (Statistic each : statistics) {
      file.putInt(each.flags()).putShort((short) each.exponent()).putShort((short) each.size());
      file.putInt(offset).putInt(each.bucket());
      putName(file, each.name());
      offset += 8 * each.size();
    }
    content = file.array();
  }

  private static void putName(ByteBuffer file, String name) {
    byte[] text = name.getBytes(StandardCharsets.US_ASCII);
    int end = file.position() + NAME;
    file.put(text, 0, Math.min(text.length, NAME - 1)).position(end);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public boolean isReadable() {
    return true;
  }

  @Override
  public boolean isWritable() {
    return false;
  }

  @Override
  public synchronized int read(byte[] to) {
    int count = Math.min(to.length, content.length - position);
    System.arraycopy(content, position, to, 0, count);
    position += count;
    return count;
  }

  @Override
  public int write(byte[] from) {
    throw new AssertionError("it is not opened to be written");
  }

  @Override
  public byte[] content() {
    return content.clone();
  }
}
