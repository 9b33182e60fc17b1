package ${package};

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.kvmdev.api.Attribute;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.StateSource;

/** The devices of one VM: what is saved of them, in the order in which it is restored. */
final class ${deviceName}Family implements StateSource {
  private final List<${deviceName}Device> devices = new CopyOnWriteArrayList<>();

  static ${deviceName}Family of(Machine machine) {
    return machine.family(${deviceName}Family.class, ${deviceName}Family::new);
  }

  void add(${deviceName}Device device) {
    devices.add(device);
  }

  void remove(${deviceName}Device device) {
    devices.remove(device);
  }

  @Override
  public void enumerate(State state) {
    for (${deviceName}Device device : devices) {
      value(state, device, ${deviceName}Attribute.STEP);
      value(state, device, ${deviceName}Attribute.COUNT);
    }
  }

  private static void value(State state, ${deviceName}Device device, ${deviceName}Attribute which) {
    Attribute attribute = which.attribute();
    state.value(device, attribute.group().number(), attribute.number());
  }
}
