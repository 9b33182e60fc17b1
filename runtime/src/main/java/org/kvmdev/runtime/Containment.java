package org.kvmdev.runtime;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/**
 * What happens when a plug-in's code throws something that is no {@link KvmException}: its caller
 * is answered EIO, one line in the log names the jar, and nothing else is touched.
 */
final class Containment {
  private static final Logger LOG = System.getLogger("org.kvmdev.runtime");

  private Containment() {}

  /**
   * Turns a fault into a refusal.
   *
   * @param fault what was thrown: a runtime exception, a linkage error, a stack overflow
   * @param plugin the object whose code threw it
   * @return the refusal to throw
   */
  static KvmException contain(Throwable fault, Object plugin) {
    if (fault instanceof KvmException refusal) {
      return refusal;
    }
    String jar = Origin.of(plugin.getClass()).jar();
    StackTraceElement[] trace = fault.getStackTrace();
    LOG.log(
        Level.ERROR,
        "{0}: {1} at {2}; the caller was answered EIO",
        jar,
        fault,
        trace.length == 0 ? plugin.getClass().getName() : trace[0]);
    return KvmException.constant(
        Errno.EIO, "the device in " + escape(jar) + " failed: " + escape(fault.toString()));
  }

  private static String escape(String text) {
    return text.replace("%", "%%");
  }
}
