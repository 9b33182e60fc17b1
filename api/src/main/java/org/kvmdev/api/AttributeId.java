package org.kvmdev.api;

/**
 * What an enum of attributes implements: one constant an attribute, so that a device answers with
 * an exhaustive {@code switch} and an attribute that is added does not compile until it is handled.
 *
 * <p>The groups that the constants name are fields of another class, since an enum's constants are
 * made before its other static fields.
 */
public interface AttributeId {
  /**
   * The attribute's declaration.
   *
   * @return the declaration, the same object each time
   */
  Attribute attribute();
}
