package org.kvmdev.runtime;

import org.jspecify.annotations.Nullable;

/** Why a jar or a provider is not used, on its way to a {@link DiscoveryFault}. */
final class Rejection extends Exception {
  private static final long serialVersionUID = 1;

  private final String what;
  private final String cure;

  Rejection(String what, String cure, @Nullable Throwable cause) {
    super(what, cause, false, false);
    this.what = what;
    this.cure = cure;
  }

  Rejection(String what, String cure) {
    this(what, cure, null);
  }

  DiscoveryFault in(String jar) {
    return new DiscoveryFault(jar, what, cure, getCause());
  }

  /**
   * What a jar's code or format threw, with the cure for the kinds that have one.
   *
   * @param doing what was being done: {@code its provider com.example.Counter cannot be loaded}
   * @param thrown what was thrown
   */
  static Rejection of(String doing, Throwable thrown) {
    for (Throwable each = thrown; each != null; each = each.getCause()) {
      String text = String.valueOf(each.getMessage());
      if (each instanceof UnsupportedClassVersionError
          || text.contains("Unsupported major.minor version")) {
        return new Rejection(
            doing + ": it was compiled for a newer Java (" + text + ")",
            "Compile it with --release "
                + Runtime.version().feature()
                + " or lower, or run a newer Java.",
            thrown);
      }
      if (each instanceof NoClassDefFoundError || each instanceof ClassNotFoundException) {
        return new Rejection(
            doing + ": the class " + text.replace('/', '.') + " is missing",
            "Put the jar that has it beside it, into a folder of its own among the plug-ins; a JDK"
                + " class needs its module: --add-modules, or an image that has it.",
            thrown);
      }
      if (each instanceof LinkageError && !(each instanceof ExceptionInInitializerError)) {
        return new Rejection(
            doing + ": " + each, "Compile it against this version of org.kvmdev.api.", thrown);
      }
    }
    return new Rejection(
        doing + ": " + innermost(thrown),
        "That is a mistake in the jar: report it to its author, or remove the jar.",
        thrown);
  }

  private static Throwable innermost(Throwable thrown) {
    Throwable each = thrown;
    while (each.getCause() != null && each.getCause() != each) {
      each = each.getCause();
    }
    return each;
  }
}
