package org.kvmdev.runtime.course;

import java.util.List;
import org.kvmdev.api.register.Register;
import org.kvmdev.api.register.RegisterMap;
import org.kvmdev.api.register.RegisterSpec;

/** The registers of the course's device. */
// @start region="registers"
enum MeterRegister implements Register {
  COUNT(RegisterSpec.at(0x0, "How many events there were.").saved()),
  LIMIT(RegisterSpec.at(0x4, "From this COUNT on the line is raised.").reset(0xffff_ffffL).saved());

  static final RegisterMap<MeterRegister> MAP = RegisterMap.of("registers", 4, List.of(values()));

  private final RegisterSpec spec;

  MeterRegister(RegisterSpec spec) {
    this.spec = spec;
  }

  @Override
  public RegisterSpec spec() {
    return spec;
  }
}
// @end
