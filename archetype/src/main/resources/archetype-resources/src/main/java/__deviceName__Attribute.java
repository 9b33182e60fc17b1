package ${package};

import java.util.List;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.AttributeGroup;
import org.kvmdev.api.AttributeId;
import org.kvmdev.api.AttributeTable;

/** What a client sets, reads and asks for. */
enum ${deviceName}Attribute implements AttributeId {
  COUNT(Attribute.of(Groups.COUNTER, 0, "COUNT", "How far it has counted.").size(8).build()),
  STEP(
      Attribute.of(Groups.COUNTER, 1, "STEP", "How far a tick goes.")
          .size(4)
          .effects("EINVAL where it is 0.")
          .build()),
  TICK(Attribute.of(Groups.COUNTER, 2, "TICK", "Counts one step.").request().build());

  static final AttributeTable<${deviceName}Attribute> TABLE = AttributeTable.of(List.of(values()));

  private final Attribute attribute;

  ${deviceName}Attribute(Attribute attribute) {
    this.attribute = attribute;
  }

  @Override
  public Attribute attribute() {
    return attribute;
  }

  /** In a class of its own, since an enum's constants are made before its other fields. */
  private static final class Groups {
    static final AttributeGroup COUNTER =
        AttributeGroup.of(0, "COUNTER_GRP", "The counter.").build();
  }
}
