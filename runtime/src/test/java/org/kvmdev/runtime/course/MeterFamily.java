package org.kvmdev.runtime.course;

import org.jspecify.annotations.Nullable;
import org.kvmdev.api.machine.Machine;
import org.kvmdev.api.machine.StateSource;

/** What the course's device shares in its VM. */
// @start region="family"
final class MeterFamily implements StateSource {
  volatile @Nullable MeterDevice meter;

  static MeterFamily of(Machine machine) {
    return machine.family(MeterFamily.class, MeterFamily::new);
  }

  @Override
  public void enumerate(State state) {
    MeterDevice saved = meter;
    if (saved != null) {
      state.value(saved, 0, 0); // BASE_ADDR
      state.value(saved, 0, 1); // LINE
      state.value(saved, 1, 0x4); // LIMIT, before the COUNT that it bounds
      state.value(saved, 1, 0x0); // COUNT
    }
  }
}
// @end
