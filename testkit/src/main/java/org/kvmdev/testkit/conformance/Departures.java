package org.kvmdev.testkit.conformance;

import java.util.List;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.Departure;
import org.kvmdev.api.DeviceType;

/** Which departures are declared where. */
final class Departures {
  private Departures() {}

  /**
   * The departures declared at a place itself.
   *
   * @param type the device type
   * @param place the type, or one of its groups or attributes
   */
  static List<Departure> at(DeviceType type, Object place) {
    return switch (place) {
      case Attribute attribute -> attribute.departures();
      case AttributeGroup group -> group.departures();
      default -> ofType(type);
    };
  }

  /** A type lists its own first, then its groups' and attributes'. */
  private static List<Departure> ofType(DeviceType type) {
    List<Departure> all = type.departures();
    int parts = 0;
    for (AttributeGroup group : type.groups()) {
      parts += group.departures().size();
    }
    for (Attribute attribute : type.attributes()) {
      parts += attribute.departures().size();
    }
    return all.subList(0, all.size() - parts);
  }
}
