package org.kvmdev.testkit.conformance;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.Errno;

/** How calls and answers are written in findings. */
final class Words {
  private Words() {}

  /** A call on an attribute by numbers. */
  static String call(String what, int group, long attr) {
    return "%s of group %d attr %#x".formatted(what, group, attr);
  }

  /** A call on a declared attribute. */
  static String call(String what, Attribute attribute, long attr) {
    String text = what + " of " + attribute;
    return attribute.isKeyed() ? text + " %#x".formatted(attr) : text;
  }

  /** An answer: null is success. */
  static String answer(@Nullable Errno errno) {
    return errno == null ? "success" : errno.name();
  }
}
