package org.kvmdev.api.register;

/**
 * A register, or an array of equal registers, as data: where it lies, how wide it is, what it holds
 * after reset, which bits a write changes, and where that is written.
 */
public final class RegisterSpec {
  private final long offset;
  private final String summary;
  private int width = 4;
  private int count = 1;
  private long stride;
  private long reset;
  private long writable = -1;
  private long writeOneToClear;
  private boolean reads = true;
  private boolean writes = true;
  private boolean saved;
  private int bitsPerInterrupt;
  private String effects = "";
  private String source = "";
  private String place = "";
  private boolean sealed;

  private RegisterSpec(long offset, String summary) {
    this.offset = offset;
    this.summary = summary;
  }

  /**
   * Begins a declaration: 4 bytes wide, read and written in every bit, 0 after reset.
   *
   * @param offset of its first byte in its region
   * @param summary a sentence
   * @return the specification, to be completed by the other methods
   */
  public static RegisterSpec at(long offset, String summary) {
    return new RegisterSpec(offset, summary);
  }

  /**
   * Its width.
   *
   * @param bytes 1, 2, 4 or 8
   * @return this
   */
  public RegisterSpec width(int bytes) {
    change().width = bytes;
    return this;
  }

  /**
   * That it is an array.
   *
   * @param elements how many
   * @param distance bytes from one to the next
   * @return this
   */
  public RegisterSpec array(int elements, long distance) {
    change().count = elements;
    stride = distance;
    return this;
  }

  /**
   * That it is a bit or a field for each interrupt, in consecutive registers.
   *
   * @param bits how many bits an interrupt has: 1, 2, 8, 32 or 64
   * @param interrupts how many interrupts there are
   * @return this
   */
  public RegisterSpec perInterrupt(int bits, int interrupts) {
    change().bitsPerInterrupt = bits;
    count = Math.ceilDiv(bits * interrupts, width * 8);
    stride = width;
    return this;
  }

  /**
   * What it holds after reset.
   *
   * @param value that
   * @return this
   */
  public RegisterSpec reset(long value) {
    change().reset = value;
    return this;
  }

  /**
   * That writes are ignored or refused.
   *
   * @return this
   */
  public RegisterSpec readOnly() {
    change().writes = false;
    writable = 0;
    return this;
  }

  /**
   * That reads have no meaning.
   *
   * @return this
   */
  public RegisterSpec writeOnly() {
    change().reads = false;
    return this;
  }

  /**
   * Which bits a write changes.
   *
   * @param mask those
   * @return this
   */
  public RegisterSpec writable(long mask) {
    change().writable = mask;
    return this;
  }

  /**
   * Which bits a written 1 clears.
   *
   * @param mask those
   * @return this
   */
  public RegisterSpec writeOneToClear(long mask) {
    change().writeOneToClear = mask;
    return this;
  }

  /**
   * That a snapshot has it.
   *
   * @return this
   */
  public RegisterSpec saved() {
    change().saved = true;
    return this;
  }

  /**
   * What an access does beside moving data.
   *
   * @param sentence that
   * @return this
   */
  public RegisterSpec effects(String sentence) {
    change().effects = sentence;
    return this;
  }

  /**
   * Where it is documented.
   *
   * @param place a manual's section
   * @return this
   */
  public RegisterSpec source(String place) {
    change().source = place;
    return this;
  }

  /**
   * How its manual writes where it is, where that is no offset.
   *
   * @param text that: {@code S3_0_C12_C12_4}
   * @return this
   */
  public RegisterSpec place(String text) {
    change().place = text;
    return this;
  }

  private RegisterSpec change() {
    if (sealed) {
      throw new IllegalStateException("the register is in use: its declaration is complete");
    }
    return this;
  }

  /** Ends the declaration: a register in a map does not change any more. */
  void seal() {
    sealed = true;
  }

  /**
   * The offset of its first byte.
   *
   * @return bytes from its region's begin
   */
  public long offset() {
    return offset;
  }

  /**
   * The offset of an element of an array.
   *
   * @param index 0 to {@code count() - 1}
   * @return bytes from its region's begin
   */
  public long offset(int index) {
    return offset + index * stride;
  }

  /**
   * What it is.
   *
   * @return a sentence
   */
  public String summary() {
    return summary;
  }

  /**
   * Its width.
   *
   * @return bytes
   */
  public int width() {
    return width;
  }

  /**
   * How many there are.
   *
   * @return 1 where it is no array
   */
  public int count() {
    return count;
  }

  /**
   * The distance of an array's elements.
   *
   * @return bytes; 0 where it is no array
   */
  public long stride() {
    return stride;
  }

  /**
   * What it holds after reset.
   *
   * @return that
   */
  public long reset() {
    return reset;
  }

  /**
   * Which bits a write changes.
   *
   * @return a mask
   */
  public long writable() {
    return writable;
  }

  /**
   * Which bits a written 1 clears.
   *
   * @return a mask
   */
  public long writeOneToClear() {
    return writeOneToClear;
  }

  /**
   * Whether it can be read.
   *
   * @return true where it can
   */
  public boolean reads() {
    return reads;
  }

  /**
   * Whether it can be written.
   *
   * @return true where it can
   */
  public boolean writes() {
    return writes;
  }

  /**
   * Whether a snapshot has it.
   *
   * @return true where it has
   */
  public boolean isSaved() {
    return saved;
  }

  /**
   * How many bits an interrupt has in it.
   *
   * @return the bits; 0 where it is not by interrupt
   */
  public int bitsPerInterrupt() {
    return bitsPerInterrupt;
  }

  /**
   * What an access does beside moving data.
   *
   * @return a sentence; empty where nothing
   */
  public String effects() {
    return effects;
  }

  /**
   * Where it is documented.
   *
   * @return a manual's section
   */
  public String source() {
    return source;
  }

  /**
   * How its manual writes where it is, where that is no offset.
   *
   * @return that; empty where the offset says it
   */
  public String place() {
    return place;
  }
}
