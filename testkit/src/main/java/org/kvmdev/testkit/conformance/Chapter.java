package org.kvmdev.testkit.conformance;

/** What a rule is about; the letter that its id begins with. */
public enum Chapter {
  /** The jar and what it declares. */
  DISCOVERY('D', "Discovery and declarations"),
  /** KVM_CREATE_DEVICE. */
  CREATION('C', "Creation"),
  /** What is checked before what. */
  ORDER('O', "The order of checks"),
  /** Which attributes there are, and what the three accessors do with them. */
  ATTRIBUTES('A', "Attributes"),
  /** Saving and restoring. */
  STATE('S', "State"),
  /** How a device ends. */
  LIFETIME('L', "Lifetime"),
  /** What clients and guests that make mistakes must not bring about. */
  ROBUSTNESS('R', "Robustness and isolation");

  private final char letter;
  private final String title;

  Chapter(char letter, String title) {
    this.letter = letter;
    this.title = title;
  }

  /**
   * The chapter's title.
   *
   * @return a few words
   */
  public String title() {
    return title;
  }

  static Chapter of(char letter) {
    for (Chapter chapter : values()) {
      if (chapter.letter == letter) {
        return chapter;
      }
    }
    throw new IllegalArgumentException("no chapter has the letter " + letter);
  }
}
