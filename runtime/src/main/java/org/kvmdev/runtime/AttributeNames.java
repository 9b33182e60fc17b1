package org.kvmdev.runtime;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.KeyField;
import org.kvmdev.api.register.Register;
import org.kvmdev.api.register.RegisterMap;

/** Attributes by the names of their declaration, for people. */
public final class AttributeNames {
  private AttributeNames() {}

  /**
   * An attribute with its group.
   *
   * @param type the device type; null where it is not known
   * @param group the group's number
   * @param attr the attribute's number
   * @return the two names, {@code KVM_DEV_ARM_VGIC_GRP_DIST_REGS vcpu 1, GICD_ISENABLER0}; numbers
   *     where nothing is declared
   */
  public static String attribute(@Nullable DeviceType type, int group, long attr) {
    if (type != null) {
      for (AttributeGroup declared : type.groups()) {
        if (declared.number() == group) {
          return declared.name() + " " + inGroup(type, declared, attr);
        }
      }
    }
    return "group " + Integer.toUnsignedString(group) + " attr " + hex(attr);
  }

  /**
   * An attribute within its group.
   *
   * @param type the device type
   * @param group one of its groups
   * @param attr the attribute's number
   * @return its name; where the number is a key, what it encodes
   */
  public static String inGroup(DeviceType type, AttributeGroup group, long attr) {
    for (Attribute attribute : type.attributes()) {
      if (attribute.group().number() != group.number()) {
        continue;
      }
      if (attribute.isKeyed()) {
        return keyed(attribute, group, attr);
      }
      if (attribute.number() == attr) {
        return attribute.name();
      }
    }
    return "attr " + hex(attr);
  }

  /** What a group's number encodes: {@code vcpu 1, GICD_ISENABLER0}. */
  private static String keyed(Attribute attribute, AttributeGroup group, long attr) {
    if (group.fields().isEmpty()) {
      String register = register(attribute, attr);
      return register != null ? register : attribute.name() + " " + hex(attr);
    }
    List<String> parts = new ArrayList<>();
    for (KeyField field : group.fields()) {
      long value = field.of(attr);
      String register = register(attribute, value);
      parts.add(
          register != null && selectsRegister(field) ? register : field.name() + " " + hex(value));
    }
    return String.join(", ", parts);
  }

  /** Where a number encodes more than a register, the register is in its lowest bits. */
  private static boolean selectsRegister(KeyField field) {
    return field.low() == 0;
  }

  private static @Nullable String register(Attribute attribute, long offset) {
    for (RegisterMap<?> map : attribute.registers()) {
      String name = name(map, offset);
      if (name != null) {
        return name;
      }
    }
    return null;
  }

  private static <R extends Enum<R> & Register> @Nullable String name(
      RegisterMap<R> map, long offset) {
    R register = map.at(offset);
    if (register == null) {
      return null;
    }
    int index = map.index(register, offset);
    long inside = offset - register.spec().offset(index);
    String name = register.name();
    if (register.spec().count() > 1) {
      name += Character.isDigit(name.charAt(name.length() - 1)) ? "[" + index + "]" : index;
    }
    return inside == 0 ? name : name + " + " + inside;
  }

  private static String hex(long value) {
    return value >= 0 && value < 10 ? Long.toString(value) : "0x" + Long.toHexString(value);
  }
}
