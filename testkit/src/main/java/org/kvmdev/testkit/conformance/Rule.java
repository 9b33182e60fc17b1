package org.kvmdev.testkit.conformance;

/**
 * One rule that every device is held to: a name that says it, the reason for it, and a check that
 * any device can be put to.
 */
public final class Rule {
  private final String id;
  private final String name;
  private final String says;
  private final String reason;
  private final Check check;
  private final boolean needsDevice;

  private Rule(
      String id, String name, String says, String reason, Check check, boolean needsDevice) {
    this.id = id;
    this.name = name;
    this.says = says;
    this.reason = reason;
    this.check = check;
    this.needsDevice = needsDevice;
  }

  /** What a rule does with a device. */
  @FunctionalInterface
  interface Check {
    /**
     * Holds a device to the rule.
     *
     * @param subject the device's type, and how to make one
     * @param findings what is told what was examined, and what is wrong
     * @throws Exception what counts as a violation of its own; {@link Findings.Skipped} does not
     */
    void run(Subject subject, Findings findings) throws Exception;
  }

  /** A rule about a live device; it is not asked where none can be made. */
  static Rule of(String id, String name, String says, String reason, Check check) {
    return new Rule(id, name, says, reason, check, true);
  }

  /** A rule about the jar and its declarations. */
  static Rule ofDeclarations(String id, String name, String says, String reason, Check check) {
    return new Rule(id, name, says, reason, check, false);
  }

  /**
   * The rule's number, which stays.
   *
   * @return a letter for its chapter and two digits: {@code A05}
   */
  public String id() {
    return id;
  }

  /**
   * The rule's name, by which departures and declared limits name it.
   *
   * @return the rule in a few words: {@code has_never_touches_addr}
   */
  public String name() {
    return name;
  }

  /**
   * What the rule demands.
   *
   * @return a sentence or two
   */
  public String says() {
    return says;
  }

  /**
   * Why.
   *
   * @return what the kernel does, and what depends on it
   */
  public String reason() {
    return reason;
  }

  /**
   * The rule's chapter.
   *
   * @return which chapter
   */
  public Chapter chapter() {
    return Chapter.of(id.charAt(0));
  }

  /**
   * Whether the rule is about a live device. It is skipped where none can be made, as {@code
   * is_created} tells.
   *
   * @return false for a rule about the jar and its declarations
   */
  public boolean needsDevice() {
    return needsDevice;
  }

  Check check() {
    return check;
  }

  @Override
  public String toString() {
    return id + " " + name;
  }
}
