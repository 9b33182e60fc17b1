package org.kvmdev.api;

/**
 * What an enum of attributes implements: one constant an attribute, so that a device answers with
 * an exhaustive {@code switch} and an attribute that is added does not compile until it is handled.
 */
public interface AttributeId {
  /**
   * The attribute's declaration.
   *
   * @return the declaration, the same object each time
   */
  Attribute attribute();
}
