package org.kvmdev.testkit.conformance;

import java.util.ArrayList;
import java.util.List;
import org.kvmdev.api.DeviceType;
import org.kvmdev.runtime.Snapshot;

/**
 * One attribute in a snapshot's text.
 *
 * @param group the group's number
 * @param attr the attribute's number
 * @param size the size of its data in bytes; 0 for a request
 */
record SavedValue(int group, long attr, int size) {
  /** The values of the first device of a type. */
  static List<SavedValue> of(Snapshot snapshot, DeviceType type) {
    List<SavedValue> values = new ArrayList<>();
    String device = type.name() + "#0";
    for (String line : snapshot.toString().split("\n")) {
      String[] words = line.split(" ");
      if (words[0].equals("value") && words[1].equals(device)) {
        values.add(
            new SavedValue(
                Integer.parseInt(words[2]),
                Long.parseUnsignedLong(words[3].substring(2), 16),
                words[4].equals("-") ? 0 : words[4].length() / 2));
      }
    }
    return values;
  }
}
